import { hostname } from "node:os";
import { join } from "node:path";

import type { Logger } from "@frostlight/kernel";
import type { OPCUACertificateManager } from "node-opcua-certificate-manager";
import type * as library from "node-opcua-client";

/** The OPC UA library costs some 60 MB: loaded only when such a source starts. */
export type OpcUaLibrary = typeof library;

/** The gateway's own certificate towards OPC UA servers. */
export interface OpcUaPki {
  readonly certificates: OPCUACertificateManager;
  readonly applicationName: string;
  readonly applicationUri: string;
}

export async function loadOpcUaLibrary(logger: Logger): Promise<OpcUaLibrary> {
  const loaded = await import("node-opcua-client");
  const tell =
    (event: string) =>
    (...parts: readonly unknown[]): void => {
      logger.debug(event, { text: parts.map(String).join(" ").slice(0, 2_000) });
    };
  // It writes warnings to the console otherwise.
  loaded.setDebugLogger(tell("opcua-library"));
  loaded.setWarningLogger(tell("opcua-library-warning"));
  loaded.setErrorLogger(tell("opcua-library-error"));
  return loaded;
}

/** Opens the certificate folder, making key and certificate the first time. */
export async function openPki(stateFolder: string, loaded: OpcUaLibrary): Promise<OpcUaPki> {
  const { OPCUACertificateManager: Manager } = await import("node-opcua-certificate-manager");
  const certificates = new Manager({
    rootFolder: join(stateFolder, "pki"),
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
  });
  await certificates.initialize();
  const applicationName = "Frostlight";
  return { certificates, applicationName, applicationUri: loaded.makeApplicationUrn(hostname(), applicationName) };
}
