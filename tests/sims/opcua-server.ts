/**
 * A real OPC UA server for tests and the demonstration, as a function or as a process of its own:
 *
 *   node tests/sims/opcua-server.ts --port N --pki DIR [--nodes name=initial,...] [--security] [--user name=password]
 *     [--policies Basic256Sha256,...] [--certificate FILE --key FILE] [--namespaces uri,uri] [--no-transfer]
 *     [--items '[{"path":"Room1/Temperature","namespace":"urn:plc","value":-20,"unit":"degree_celsius"}]']
 *
 * Prints one JSON line when ready and reads JSON lines `{"node":…,"value":…,"status":…,"sourceTimeMs":…}` from stdin, or
 * `{"do":"drop-subscriptions"}`, `{"do":"add-node","node":…,"value":…}`, `{"do":"add-namespace","node":"urn:…"}`.
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
  type ServerSession,
  standardUnits,
  type UAObject,
  type UAVariable,
} from "node-opcua";

/** A variable somewhere below the folder ColdStore. Its node id is `s=<path>` in its namespace. */
export interface SimulatedItem {
  readonly path: string;
  /** One of `namespaces`; the server's own when not given. */
  readonly namespace?: string;
  readonly value: number | boolean;
  /** Name among node-opcua's standard units. */
  readonly unit?: string;
}

export interface OpcUaServerOptions {
  /** 0 is not possible with OPC UA endpoints: give a free port. */
  readonly port: number;
  /** Folder of the server's own certificate and its trust lists; kept between runs, so the certificate stays. */
  readonly pkiFolder: string;
  /** Node name → initial value. Each is `ns=1;s=<name>`, a Double. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Offer only SignAndEncrypt / Basic256Sha256 (otherwise None as well). */
  readonly securityOnly?: boolean;
  /** Security policies besides None; default Basic256Sha256. */
  readonly policies?: readonly string[];
  /** PEM files in place of the certificate made at the first start. */
  readonly certificate?: { readonly file: string; readonly keyFile: string };
  /** Registered behind the server's own namespace, in this order. */
  readonly namespaces?: readonly string[];
  readonly items?: readonly SimulatedItem[];
  /** Answers TransferSubscriptions with BadServiceUnsupported, as many controllers do. */
  readonly noTransfer?: boolean;
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
  /** Forgets every subscription without a word, as controllers do that run out of memory. */
  dropSubscriptions(): void;
  addNode(name: string, value: number): void;
  addNamespace(uri: string): void;
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
  const policies = (options.policies ?? ["Basic256Sha256"]).map(policyByName);
  const server = new OPCUAServer({
    ...(options.certificate === undefined
      ? {}
      : { certificateFile: options.certificate.file, privateKeyFile: options.certificate.keyFile }),
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
    securityPolicies: options.securityOnly === true ? policies : [SecurityPolicy.None, ...policies],
    buildInfo: { productName: "Frostlight simulated controller", softwareVersion: "1" },
  });
  await server.initialize();
  const addressSpace = server.engine.addressSpace;
  if (addressSpace === null) throw new Error("the OPC UA server has no address space after initialisation");
  const namespace = addressSpace.getOwnNamespace();
  const folder = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: "ColdStore" });
  const variables = new Map<string, UAVariable>();
  const addNode = (name: string, initial: number): void => {
    const variable = namespace.addVariable({
      componentOf: folder,
      nodeId: `s=${name}`,
      browseName: name,
      dataType: DataType.Double,
      minimumSamplingInterval: 0,
    });
    variable.setValueFromSource({ dataType: DataType.Double, value: initial });
    variables.set(name, variable);
  };
  for (const [name, initial] of Object.entries(options.nodes)) addNode(name, initial);
  const own = new Map((options.namespaces ?? []).map((uri) => [uri, addressSpace.registerNamespace(uri)]));
  const folders = new Map<string, UAObject>([["", folder]]);
  const folderAt = (path: string): UAObject => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const parent = folderAt(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    const made = namespace.addFolder(parent, { browseName: path.slice(path.lastIndexOf("/") + 1) });
    folders.set(path, made);
    return made;
  };
  for (const item of options.items ?? []) {
    const home = item.namespace === undefined ? namespace : own.get(item.namespace);
    if (home === undefined) throw new Error(`namespace ${String(item.namespace)} is not among --namespaces`);
    const cut = item.path.lastIndexOf("/");
    const dataType = typeof item.value === "boolean" ? DataType.Boolean : DataType.Double;
    const common = {
      componentOf: folderAt(item.path.slice(0, Math.max(0, cut))),
      nodeId: `s=${item.path}`,
      browseName: item.path.slice(cut + 1),
      dataType: DataType[dataType],
      minimumSamplingInterval: 0,
    };
    const variable =
      item.unit === undefined
        ? home.addVariable(common)
        : home.addAnalogDataItem({
            ...common,
            engineeringUnits: unitByName(item.unit),
            engineeringUnitsRange: { low: -100, high: 100 },
          });
    variable.setValueFromSource({ dataType, value: item.value });
    variables.set(item.path, variable);
  }
  if (options.noTransfer === true) Reflect.set(server, "_on_TransferSubscriptionsRequest", undefined);
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
    dropSubscriptions() {
      // The engine keeps its sessions to itself.
      const sessions = Reflect.get(server.engine, "_sessions") as Record<string, ServerSession>; // by authentication token
      for (const session of Object.values(sessions)) {
        for (const { id } of session.publishEngine.subscriptions) session.deleteSubscription(id);
      }
    },
    addNode,
    addNamespace(uri) {
      addressSpace.registerNamespace(uri);
    },
    async stop() {
      await server.shutdown(0);
      await certificates.dispose();
    },
  };
}

function policyByName(name: string): SecurityPolicy {
  const found: unknown = Reflect.get(SecurityPolicy, name);
  if (typeof found !== "string") throw new Error(`unknown security policy "${name}"`);
  return found as SecurityPolicy; // its values are strings
}

function unitByName(name: string): (typeof standardUnits)["degree_celsius"] {
  const found: unknown = Reflect.get(standardUnits, name);
  if (found === undefined) throw new Error(`unknown unit "${name}"`);
  return found as (typeof standardUnits)["degree_celsius"]; // every entry is an EUInformation
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

interface Order {
  readonly do?: "drop-subscriptions" | "add-node" | "add-namespace";
  readonly node: string;
  readonly value: number;
  readonly status?: string;
  readonly sourceTimeMs?: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      pki: { type: "string" },
      nodes: { type: "string", default: "temperature=-20" },
      security: { type: "boolean", default: false },
      user: { type: "string" },
      policies: { type: "string" },
      certificate: { type: "string" },
      key: { type: "string" },
      namespaces: { type: "string" },
      items: { type: "string" },
      "no-transfer": { type: "boolean", default: false },
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
    noTransfer: values["no-transfer"],
    ...(values.policies === undefined ? {} : { policies: values.policies.split(",") }),
    ...(values.certificate === undefined || values.key === undefined
      ? {}
      : { certificate: { file: values.certificate, keyFile: values.key } }),
    ...(values.namespaces === undefined ? {} : { namespaces: values.namespaces.split(",") }),
    ...(values.items === undefined ? {} : { items: JSON.parse(values.items) as SimulatedItem[] }), // our own harness writes them
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
      const order = JSON.parse(line) as Order; // our own harness writes these
      if (order.do === "drop-subscriptions") server.dropSubscriptions();
      if (order.do === "add-node") server.addNode(order.node, order.value);
      if (order.do === "add-namespace") server.addNamespace(order.node);
      if (order.do !== undefined) return;
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
