import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { errorCode, type Logger } from "@frostlight/kernel";
import type { OPCUACertificateManager } from "node-opcua-certificate-manager";
import type * as library from "node-opcua-client";

import { fingerprintOf } from "../core/peer-certificate.ts";

/** The OPC UA library costs some 60 MB: loaded only when such a source starts. */
export type OpcUaLibrary = typeof library;

/** The gateway's own certificate towards OPC UA servers. */
export interface OpcUaPki {
  readonly certificates: OPCUACertificateManager;
  readonly applicationName: string;
  readonly applicationUri: string;
  /** Where the own certificate lies once a connection was made. */
  readonly certificateFile: string;
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
  const rootFolder = join(stateFolder, "pki");
  const certificates = new Manager({
    rootFolder,
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
  });
  await certificates.initialize();
  const applicationName = "Frostlight";
  const certificateFile = join(rootFolder, "own/certs/client_certificate.pem");
  // The name in the certificate stays although the host gets another one: servers compare the two.
  const known = await applicationUriIn(certificateFile);
  return {
    certificates,
    applicationName,
    applicationUri: known ?? loaded.makeApplicationUrn(hostname(), applicationName),
    certificateFile,
  };
}

/** For the person who has to approve this gateway's certificate at the server. */
export async function describeOwnCertificate(pki: OpcUaPki): Promise<string> {
  const own = await readCertificate(pki.certificateFile);
  return own === undefined ? pki.certificateFile : `SHA-256 ${fingerprintOf(own.raw)}, file ${pki.certificateFile}`;
}

async function applicationUriIn(file: string): Promise<string | undefined> {
  const own = await readCertificate(file);
  return /(?:^|, )URI:([^,]+)/.exec(own?.subjectAltName ?? "")?.[1];
}

async function readCertificate(file: string): Promise<X509Certificate | undefined> {
  try {
    return new X509Certificate(await readFile(file));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
