/**
 * A real OPC UA server for tests and the demonstration, as a function or as a process of its own:
 *
 *   node tests/sims/opcua-server.ts --port N --pki DIR [--nodes name=initial,...] [--security] [--user name=password]
 *
 * Prints one JSON line when ready and reads JSON lines `{"node":…,"value":…,"status":…,"sourceTimeMs":…}` from stdin.
 */
import { fstatSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import {
  DataType,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  StatusCodes,
  type StatusCode,
  type UAVariable,
} from "node-opcua";

export interface OpcUaServerOptions {
  /** 0 is not possible with OPC UA endpoints: give a free port. */
  readonly port: number;
  /** Folder of the server's own certificate and its trust lists; kept between runs, so the certificate stays. */
  readonly pkiFolder: string;
  /** Node name → initial value. Each is `ns=1;s=<name>`, a Double. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Offer only SignAndEncrypt / Basic256Sha256 (otherwise None as well). */
  readonly securityOnly?: boolean;
  /** When given, anonymous is refused. */
  readonly user?: { readonly name: string; readonly password: string };
}

export interface NodeUpdate {
  readonly sourceTimeMs?: number;
  /** Name of an OPC UA status code, e.g. "Good", "BadSensorFailure", "UncertainLastUsableValue". */
  readonly statusCode?: string;
}

export interface RunningOpcUaServer {
  readonly endpoint: string;
  set(name: string, value: number, update?: NodeUpdate): void;
  stop(): Promise<void>;
}

function statusCodeByName(name: string): StatusCode {
  const found: unknown = Reflect.get(StatusCodes, name);
  if (found === undefined) throw new Error(`unknown OPC UA status code "${name}"`);
  return found as StatusCode; // StatusCodes holds nothing but status codes
}

export async function startOpcUaServer(options: OpcUaServerOptions): Promise<RunningOpcUaServer> {
  await mkdir(options.pkiFolder, { recursive: true });
  const certificates = new OPCUACertificateManager({
    rootFolder: options.pkiFolder,
    automaticallyAcceptUnknownCertificate: true, // the server under test is ours; what a client accepts is the client's test
    disableFileWatchers: true,
  });
  await certificates.initialize();
  const user = options.user;
  const server = new OPCUAServer({
    port: options.port,
    hostname: "127.0.0.1",
    resourcePath: "/frostlight/sim",
    serverInfo: { applicationUri: "urn:frostlight:sim" },
    serverCertificateManager: certificates,
    userCertificateManager: certificates,
    allowAnonymous: user === undefined,
    ...(user === undefined
      ? {}
      : {
          userManager: {
            isValidUser: (name: string, password: string) => name === user.name && password === user.password,
          },
        }),
    securityModes:
      options.securityOnly === true
        ? [MessageSecurityMode.SignAndEncrypt]
        : [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    securityPolicies:
      options.securityOnly === true
        ? [SecurityPolicy.Basic256Sha256]
        : [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
    buildInfo: { productName: "Frostlight simulated controller", softwareVersion: "1" },
  });
  await server.initialize();
  const addressSpace = server.engine.addressSpace;
  if (addressSpace === null) throw new Error("the OPC UA server has no address space after initialisation");
  const namespace = addressSpace.getOwnNamespace();
  const folder = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: "ColdStore" });
  const variables = new Map<string, UAVariable>();
  for (const [name, initial] of Object.entries(options.nodes)) {
    const variable = namespace.addVariable({
      componentOf: folder,
      nodeId: `s=${name}`,
      browseName: name,
      dataType: DataType.Double,
      minimumSamplingInterval: 0,
    });
    variable.setValueFromSource({ dataType: DataType.Double, value: initial });
    variables.set(name, variable);
  }
  await server.start();
  return {
    endpoint: server.getEndpointUrl(),
    set(name, value, update = {}) {
      const variable = variables.get(name);
      if (variable === undefined) throw new Error(`no node "${name}", there are: ${[...variables.keys()].join(", ")}`);
      variable.setValueFromSource(
        { dataType: DataType.Double, value },
        statusCodeByName(update.statusCode ?? "Good"),
        update.sourceTimeMs === undefined ? new Date() : new Date(update.sourceTimeMs),
      );
    },
    async stop() {
      await server.shutdown(0);
      await certificates.dispose();
    },
  };
}

function parseNodes(text: string): Record<string, number> {
  return Object.fromEntries(
    text
      .split(",")
      .filter((part) => part !== "")
      .map((part) => {
        const [name = "", initial = "0"] = part.split("=");
        return [name, Number(initial)] as const;
      }),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      pki: { type: "string" },
      nodes: { type: "string", default: "temperature=-20" },
      security: { type: "boolean", default: false },
      user: { type: "string" },
    },
  });
  if (values.port === undefined || values.pki === undefined) {
    throw new Error(
      "usage: opcua-server.ts --port N --pki DIR [--nodes name=initial,...] [--security] [--user name=password]",
    );
  }
  const [name = "", password = ""] = values.user?.split("=") ?? [];
  const server = await startOpcUaServer({
    port: Number(values.port),
    pkiFolder: values.pki,
    nodes: parseNodes(values.nodes),
    securityOnly: values.security,
    ...(values.user === undefined ? {} : { user: { name, password } }),
  });
  process.stdout.write(`${JSON.stringify({ ready: true, endpoint: server.endpoint })}\n`);
  const stop = (): void => {
    void server.stop().finally(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    try {
      const order = JSON.parse(line) as { node: string; value: number; status?: string; sourceTimeMs?: number }; // our own harness writes these
      server.set(order.node, order.value, {
        ...(order.status === undefined ? {} : { statusCode: order.status }),
        ...(order.sourceTimeMs === undefined ? {} : { sourceTimeMs: order.sourceTimeMs }),
      });
    } catch (error) {
      process.stderr.write(`order not understood: ${line}: ${String(error)}\n`);
    }
  });
  // A parent that dies closes its pipe: do not outlive it. A terminal or /dev/null says nothing.
  const stdin = fstatSync(0);
  if (stdin.isFIFO() || stdin.isSocket()) lines.on("close", stop);
}

if (import.meta.main) await main();
