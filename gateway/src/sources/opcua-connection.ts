import { X509Certificate } from "node:crypto";

import { describeError, FrostlightError, readSecret } from "@frostlight/kernel";
import type {
  ClientMonitoredItemBase,
  ClientSession,
  DataValue,
  OPCUAClient,
  StatusCode,
  UserIdentityInfo,
} from "node-opcua-client";

import type { PointBinding, SourceContext } from "../core/source.ts";
import { certificateFingerprint, type OpcUaAddress, type OpcUaOptions, pinnedFingerprint } from "./opcua-options.ts";
import type { OpcUaLibrary, OpcUaPki } from "./opcua-pki.ts";

type Binding = PointBinding<OpcUaAddress>;

/** What a connection tells while it lives. */
export interface ConnectionEvents {
  value(binding: Binding, dataValue: DataValue): void;
  /** A node that the server does not let us monitor. */
  refused(binding: Binding, status: StatusCode | undefined): void;
}

/** Keep-alives come this often while no value changes, in publishing intervals. */
const keepAliveCount = 3;
const closeTimeoutMs = 1_000;

/** One session with its subscription, from connecting until it breaks, freezes or is closed. */
export class OpcUaConnection {
  readonly #library: OpcUaLibrary;
  readonly #pki: OpcUaPki;
  readonly #options: OpcUaOptions;
  readonly #context: SourceContext;
  readonly #events: ConnectionEvents;
  readonly #broken = Promise.withResolvers<string>();
  #client: OPCUAClient | undefined;
  #session: ClientSession | undefined;
  #heardMs: number;
  #nodeIds = new Map<Binding, string>();

  constructor(
    library: OpcUaLibrary,
    pki: OpcUaPki,
    options: OpcUaOptions,
    context: SourceContext,
    events: ConnectionEvents,
  ) {
    this.#library = library;
    this.#pki = pki;
    this.#options = options;
    this.#context = context;
    this.#events = events;
    this.#heardMs = context.clock.monotonicMs();
  }

  /** Resolves with the reason once the connection is of no use any more. */
  get broken(): Promise<string> {
    return this.#broken.promise;
  }

  /** How long nothing has come from the server, monotonic. */
  get silentMs(): number {
    return this.#context.clock.monotonicMs() - this.#heardMs;
  }

  /** Throws `opcua/certificate-unknown` or whatever went wrong; {@link close} must be called then too. */
  async open(points: readonly Binding[]): Promise<void> {
    const isSecure = this.#options.securityMode !== "None";
    const serverCertificate = isSecure ? await this.#acceptedCertificate() : undefined;
    const client = this.#createClient(serverCertificate);
    this.#client = client;
    client.on("close", (error?: Error | null) => {
      this.#broken.resolve(error === undefined || error === null ? "connection closed" : describeError(error));
    });
    await client.connect(this.#options.endpoint);
    const session = await client.createSession(await this.#identity());
    this.#session = session;
    session.on("session_closed", (status: StatusCode) => {
      this.#broken.resolve(`the server closed the session: ${status.name}`);
    });
    await this.#subscribe(session, points);
  }

  /** Asks the server for values now, whether they changed or not. */
  async read(bindings: readonly Binding[]): Promise<void> {
    const known = bindings.filter((binding) => this.#nodeIds.has(binding));
    if (this.#session === undefined || known.length === 0) return;
    const nodesToRead = known.map((binding) => ({
      nodeId: this.#nodeIds.get(binding) ?? binding.address.nodeId,
      attributeId: this.#library.AttributeIds.Value,
    }));
    const values = await this.#session.read(nodesToRead);
    this.#heard();
    for (const [index, binding] of known.entries()) {
      const value = values[index];
      if (value !== undefined) this.#events.value(binding, value);
    }
  }

  /** Ends in time, also when the server is frozen: then the library gives up in the background. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#broken.resolve("closed");
    if (client === undefined) return;
    const over = new AbortController();
    const limit = this.#context.clock.sleep(closeTimeoutMs, over.signal).catch(() => undefined);
    const closing = client.disconnect().catch((error: unknown) => {
      this.#context.logger.debug("opcua-disconnect-failed", { error: describeError(error) });
    });
    await Promise.race([closing, limit]);
    over.abort();
  }

  #heard(): void {
    this.#heardMs = this.#context.clock.monotonicMs();
  }

  #createClient(serverCertificate: Buffer | undefined): OPCUAClient {
    const { OPCUAClient, MessageSecurityMode, SecurityPolicy } = this.#library;
    const { securityMode, securityPolicy } = this.#options;
    return OPCUAClient.create({
      applicationName: this.#pki.applicationName,
      applicationUri: this.#pki.applicationUri,
      clientName: this.#context.sourceId,
      clientCertificateManager: this.#pki.certificates,
      endpointMustExist: false, // behind NAT the server's own idea of its address is not ours
      securityMode: serverCertificate === undefined ? MessageSecurityMode.None : MessageSecurityMode[securityMode],
      securityPolicy: serverCertificate === undefined ? SecurityPolicy.None : SecurityPolicy[securityPolicy],
      ...(serverCertificate === undefined ? {} : { serverCertificate }),
      connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 100 }, // reconnecting is ours
      keepSessionAlive: true,
      requestedSessionTimeout: 60_000,
      transportTimeout: 10_000,
      defaultTransactionTimeout: 10_000,
    });
  }

  /** Fetches the server's certificate and compares it with the pinned one: nothing unknown is ever accepted. */
  async #acceptedCertificate(): Promise<Buffer> {
    const { MessageSecurityMode, SecurityPolicy } = this.#library;
    const { securityMode, securityPolicy, endpoint } = this.#options;
    const pinned = await pinnedFingerprint(this.#options);
    const discovery = this.#createClient(undefined);
    this.#client = discovery;
    await discovery.connect(endpoint);
    const endpoints = await discovery.getEndpoints();
    await this.#closeDiscovery(discovery);
    const offered = endpoints.find(
      (candidate) =>
        candidate.securityMode === MessageSecurityMode[securityMode] &&
        candidate.securityPolicyUri === SecurityPolicy[securityPolicy],
    );
    if (offered === undefined) {
      const message = `${endpoint} does not offer ${securityMode} with ${securityPolicy}`;
      throw new FrostlightError("opcua/security-not-offered", "peer", message);
    }
    const certificate = leafOf(offered.serverCertificate);
    const found = certificateFingerprint(certificate);
    if (found === pinned) return certificate;
    const message =
      pinned === undefined
        ? `${endpoint} shows a certificate that nobody has accepted yet, SHA-256 ${found}`
        : `${endpoint} shows the certificate ${found}, but ${pinned} is the one accepted`;
    throw new FrostlightError("opcua/certificate-unknown", "peer", message);
  }

  async #closeDiscovery(discovery: OPCUAClient): Promise<void> {
    this.#client = undefined;
    await discovery.disconnect();
  }

  async #identity(): Promise<UserIdentityInfo> {
    const { username, password } = this.#options;
    const { UserTokenType } = this.#library;
    if (username === undefined) return { type: UserTokenType.Anonymous };
    const secret = password === undefined ? "" : await readSecret(password, this.#context.environment);
    return { type: UserTokenType.UserName, userName: username, password: secret };
  }

  async #subscribe(session: ClientSession, points: readonly Binding[]): Promise<void> {
    const { publishingIntervalMs, samplingIntervalMs, queueSize, discardOldest } = this.#options;
    const subscription = await session.createSubscription2({
      requestedPublishingInterval: publishingIntervalMs,
      requestedMaxKeepAliveCount: keepAliveCount,
      requestedLifetimeCount: keepAliveCount * 20,
      maxNotificationsPerPublish: 10_000,
      publishingEnabled: true,
      priority: 1,
    });
    subscription.on("raw_notification", () => {
      this.#heard(); // values and keep-alives alike
    });
    subscription.on("terminated", () => {
      this.#broken.resolve("the server ended the subscription");
    });
    subscription.on("status_changed", (status: StatusCode) => {
      if (!status.isGood()) this.#broken.resolve(`the server changed the subscription to ${status.name}`);
    });
    this.#heard();
    const monitored = await this.#resolveNodes(session, points);
    if (monitored.length === 0) return;
    const group = await subscription.monitorItems(
      monitored.map(([, nodeId]) => ({ nodeId, attributeId: this.#library.AttributeIds.Value })),
      { samplingInterval: samplingIntervalMs, queueSize, discardOldest },
      this.#library.TimestampsToReturn.Both,
    );
    group.on("changed", (_item: ClientMonitoredItemBase, dataValue: DataValue, index: number) => {
      const binding = monitored[index]?.[0];
      if (binding !== undefined) this.#events.value(binding, dataValue);
    });
    for (const [index, [binding, nodeId]] of monitored.entries()) {
      const status = group.monitoredItems[index]?.statusCode;
      if (status?.isGood() === true) this.#nodeIds.set(binding, nodeId);
      else this.#events.refused(binding, status);
    }
  }

  /** `nsu=` names a namespace by its address: its index is the server's affair and may change with a restart. */
  async #resolveNodes(session: ClientSession, points: readonly Binding[]): Promise<[Binding, string][]> {
    const namespaces = points.some((point) => point.address.nodeId.startsWith("nsu="))
      ? await session.readNamespaceArray()
      : [];
    const resolved: [Binding, string][] = [];
    for (const point of points) {
      const match = /^nsu=([^;]+);(.*)$/s.exec(point.address.nodeId);
      if (match === null) {
        resolved.push([point, point.address.nodeId]);
        continue;
      }
      const index = namespaces.indexOf(match[1] ?? "");
      if (index < 0) this.#events.refused(point, undefined);
      else resolved.push([point, `ns=${index};${match[2] ?? ""}`]);
    }
    return resolved;
  }
}

/** A server may send a chain, leaf first, DER after DER. */
function leafOf(chain: Buffer): Buffer {
  return Buffer.from(new X509Certificate(chain).raw);
}
