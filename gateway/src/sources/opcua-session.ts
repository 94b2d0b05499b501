import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

import { describeError, FrostlightError, readSecret } from "@frostlight/kernel";
import type { ClientSession, EndpointDescription, OPCUAClient, StatusCode, UserIdentityInfo } from "node-opcua-client";

import { chainOf, describePeer } from "../core/peer-certificate.ts";
import type { PeerCertificate } from "../core/peer-trust.ts";
import type { SourceContext } from "../core/source.ts";
import { configuredTrust, type OpcUaOptions } from "./opcua-options.ts";
import { describeOwnCertificate, type OpcUaLibrary, type OpcUaPki } from "./opcua-pki.ts";

/** What a session needs of a source's surroundings. */
export type SessionContext = Pick<
  SourceContext,
  "sourceId" | "clock" | "logger" | "environment" | "stateFolder" | "trust"
>;

const closeTimeoutMs = 1_000;
const transactionTimeoutMs = 10_000;
/** Answers of a server to a client certificate that it does not trust (yet). */
const refusalOfOurs =
  /Bad(?:SecurityChecksFailed|CertificateUntrusted|CertificateInvalid|CertificateUriInvalid|CertificateUseNotAllowed|CertificateTimeInvalid)/;

/** A session with a server whose certificate is approved, until it breaks or is closed. */
export class OpcUaSession {
  readonly #library: OpcUaLibrary;
  readonly #pki: OpcUaPki;
  readonly #options: OpcUaOptions;
  readonly #context: SessionContext;
  readonly #broken = Promise.withResolvers<string>();
  #client: OPCUAClient | undefined;
  #peer: PeerCertificate | undefined;

  constructor(library: OpcUaLibrary, pki: OpcUaPki, options: OpcUaOptions, context: SessionContext) {
    this.#library = library;
    this.#pki = pki;
    this.#options = options;
    this.#context = context;
  }

  /** Resolves with the reason once the session is of no use any more. */
  get broken(): Promise<string> {
    return this.#broken.promise;
  }

  /** The server's certificate; undefined before it was seen and where the connection is not protected. */
  get peer(): PeerCertificate | undefined {
    return this.#peer;
  }

  /** Throws `opcua/certificate-unknown` or whatever went wrong; {@link close} must be called then too. */
  async open(): Promise<ClientSession> {
    const { securityMode, endpoint } = this.#options;
    const serverCertificate = securityMode === "None" ? undefined : await this.#acceptedCertificate();
    const client = this.#createClient(serverCertificate);
    this.#client = client;
    client.on("close", (error?: Error | null) => {
      this.breakOff(error === undefined || error === null ? "connection closed" : describeError(error));
    });
    try {
      await client.connect(endpoint);
      const session = await client.createSession(await this.#identity());
      session.on("session_closed", (status: StatusCode) => {
        this.breakOff(`the server closed the session: ${status.name}`);
      });
      return session;
    } catch (error) {
      if (serverCertificate === undefined || !refusalOfOurs.test(describeError(error))) throw error;
      const own = await describeOwnCertificate(this.#pki);
      const message = `${endpoint} does not trust this gateway's certificate; approve it there: ${own}`;
      throw new FrostlightError("opcua/own-certificate-refused", "peer", message, { cause: error });
    }
  }

  breakOff(reason: string): void {
    this.#broken.resolve(reason);
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

  #createClient(serverCertificate: Buffer | undefined): OPCUAClient {
    const { OPCUAClient: Client, MessageSecurityMode, SecurityPolicy } = this.#library;
    const { securityMode, securityPolicy } = this.#options;
    return Client.create({
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
      transportTimeout: transactionTimeoutMs,
      defaultTransactionTimeout: transactionTimeoutMs,
    });
  }

  /** Fetches the server's certificate and asks whether somebody approved it: nothing unknown is ever accepted. */
  async #acceptedCertificate(): Promise<Buffer> {
    const { securityMode, securityPolicy, endpoint } = this.#options;
    const offered = await this.#offeredEndpoint();
    if (offered === undefined) {
      const message = `${endpoint} does not offer ${securityMode} with ${securityPolicy}`;
      throw new FrostlightError("opcua/security-not-offered", "peer", message);
    }
    const chain = this.#parseChain(offered.serverCertificate);
    const [leaf] = chain;
    if (leaf === undefined) {
      throw new FrostlightError("opcua/certificate-missing", "peer", `${endpoint} shows no certificate`);
    }
    const peer = describePeer(leaf, endpoint);
    this.#peer = peer;
    const configured = await configuredTrust(this.#options, chain);
    const verdict = await this.#context.trust.judge(peer, configured);
    if (verdict === "approved") return Buffer.from(leaf);
    const valid = `${dateText(peer.validFromMs)} - ${dateText(peer.validToMs)}`;
    const { pinned } = configured;
    const other = pinned === null ? "" : `; the configuration pins ${pinned.fingerprintSha256}`;
    const message = `${endpoint} shows a certificate that nobody has approved: SHA-256 ${peer.fingerprintSha256}, subject ${peer.subject}, issuer ${peer.issuer}, valid ${valid}${other}`;
    throw new FrostlightError("opcua/certificate-unknown", "peer", message);
  }

  #parseChain(bytes: Buffer): readonly Uint8Array[] {
    try {
      return chainOf(bytes);
    } catch (error) {
      const message = `${this.#options.endpoint} shows a certificate that cannot be read`;
      throw new FrostlightError("opcua/certificate-unreadable", "peer", message, { cause: error });
    }
  }

  async #offeredEndpoint(): Promise<EndpointDescription | undefined> {
    const { MessageSecurityMode, SecurityPolicy } = this.#library;
    const { securityMode, securityPolicy, endpoint } = this.#options;
    const discovery = this.#createClient(undefined);
    this.#client = discovery;
    await discovery.connect(endpoint);
    const endpoints = await discovery.getEndpoints();
    this.#client = undefined;
    await discovery.disconnect();
    return endpoints.find(
      (candidate) =>
        candidate.securityMode === MessageSecurityMode[securityMode] &&
        candidate.securityPolicyUri === SecurityPolicy[securityPolicy],
    );
  }

  async #identity(): Promise<UserIdentityInfo> {
    const { username, password, userCertificate } = this.#options;
    const { UserTokenType } = this.#library;
    if (userCertificate !== undefined) {
      const { certificate, privateKey } = await this.#readUserCertificate(userCertificate);
      return { type: UserTokenType.Certificate, certificateData: certificate, privateKey };
    }
    if (username === undefined) return { type: UserTokenType.Anonymous };
    const secret = password === undefined ? "" : await readSecret(password, this.#context.environment);
    return { type: UserTokenType.UserName, userName: username, password: secret };
  }

  async #readUserCertificate(
    reference: NonNullable<OpcUaOptions["userCertificate"]>,
  ): Promise<{ readonly certificate: Buffer; readonly privateKey: string }> {
    const key = await readSecret(reference.privateKey, this.#context.environment);
    try {
      const certificate = Buffer.from(new X509Certificate(await readFile(reference.file)).raw);
      const privateKey = createPrivateKey(key).export({ type: "pkcs8", format: "pem" }).toString();
      return { certificate, privateKey };
    } catch (error) {
      const message = `the user certificate ${reference.file} or its key cannot be used`;
      // The cause of an unreadable key could quote it.
      throw new FrostlightError("opcua/user-certificate-unusable", "config", message, {
        cause: new Error(error instanceof Error ? error.name : "unknown error"),
      });
    }
  }
}

function dateText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
