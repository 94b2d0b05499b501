import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";

import {
  type AckResult,
  type Batch,
  type Command,
  decodeBatch,
  decodeDelimited,
  decodeEnrolRequest,
  decodeSealed,
  encodeAck,
  encodeCommand,
  encodeDelimited,
  encodeEnrolResponse,
  gatewayOfBatchTopic,
  gatewayPaths,
  publicKeyFromRaw,
  sha256Hex,
  topics,
  verifySealed,
} from "@frostlight/contract";
import { Aedes } from "aedes";

/** What the pretended server does with a batch; undefined: it says nothing. */
export type Verdict = AckResult | undefined;

/** A server as a gateway sees it: enrolment, a broker, a consumer that answers, a place for evidence. */
export interface UplinkServer {
  readonly httpUrl: string;
  readonly mqttPort: number;
  /** Decides the answer to each batch; default: stores everything. */
  verdict: (batch: Batch, deliveries: number) => Verdict;
  /** Answers an upload; default: checks the hash and stores. */
  evidenceStatus: (sha256: string, body: Uint8Array) => number;
  /** What enrolment gives for the broker's address. */
  mqttUrl: string;
  /** Batches stored, in order of arrival. */
  readonly stored: readonly Batch[];
  /** How often each sequence arrived. */
  readonly deliveries: ReadonlyMap<number, number>;
  readonly evidence: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly mediaType: string }>;
  readonly enrolAttempts: () => number;
  sendCommand(gatewayId: string, command: Command): void;
  /** Loses everything the broker keeps in memory and comes back on the same ports. */
  restartBroker(): Promise<void>;
  /** The same with both ways in. */
  restart(): Promise<void>;
  /** Status of the answer to batches over HTTP; undefined: works. */
  batchStatus: (request: { readonly bytes: number }) => number | undefined;
  stop(): Promise<void>;
}

const password = "the-mqtt-password";

/** Starts it on free ports of 127.0.0.1. @param token the enrolment token it accepts */
export async function startUplinkServer(token = "token-1"): Promise<UplinkServer> {
  const keys = new Map<string, Uint8Array>();
  const stored: Batch[] = [];
  const known = new Set<string>();
  const deliveries = new Map<number, number>();
  const evidence = new Map<string, { bytes: Uint8Array; mediaType: string }>();
  const commands = new Map<string, Uint8Array[]>();
  const polls = new Map<string, () => void>();
  let enrolAttempts = 0;
  let broker = await openBroker(0);

  async function openBroker(
    port: number,
  ): Promise<{ aedes: Aedes; server: Server; sockets: Set<Socket>; port: number }> {
    const aedes = await Aedes.createBroker();
    aedes.authenticate = (client, username, secret, done) => {
      const fine = keys.has(client.id) && username === client.id && secret?.toString() === password;
      done(fine ? null : Object.assign(new Error("not authorised"), { returnCode: 5 }), fine);
    };
    aedes.on("publish", (packet) => {
      const gatewayId = gatewayOfBatchTopic(packet.topic);
      if (gatewayId !== undefined) consume(aedes, gatewayId, Buffer.from(packet.payload));
    });
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      aedes.handle(socket);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return { aedes, server, sockets, port: portOf(server) };
  }

  function consume(aedes: Aedes, gatewayId: string, bytes: Buffer): void {
    const judged = judge(gatewayId, bytes);
    if (judged === undefined) return;
    const { epoch, sequence, result } = judged;
    const payload = encodeAck({ epoch, outcomes: [{ sequence, result, reason: "" }] });
    publish(aedes, topics.acks(gatewayId), payload);
  }

  function judge(
    gatewayId: string,
    bytes: Uint8Array,
  ): { epoch: string; sequence: number; result: AckResult } | undefined {
    const batch = openBatch(keys.get(gatewayId), bytes);
    const count = (deliveries.get(batch.sequence) ?? 0) + 1;
    deliveries.set(batch.sequence, count);
    const verdict = server.verdict(batch, count);
    if (verdict === undefined) return undefined;
    const name = `${batch.epoch}/${batch.sequence}`;
    const isKnown = known.has(name);
    if (verdict === "stored" && !isKnown) {
      known.add(name);
      stored.push(batch);
    }
    const result = verdict === "stored" && isKnown ? "duplicate" : verdict;
    return { epoch: batch.epoch, sequence: batch.sequence, result };
  }

  function publish(aedes: Aedes, topic: string, payload: Uint8Array): void {
    aedes.publish(
      { cmd: "publish", qos: 1, dup: false, retain: false, topic, payload: Buffer.from(payload) },
      () => undefined,
    );
  }

  async function closeBroker(): Promise<void> {
    const { aedes, server: tcp, sockets } = broker;
    const closed = new Promise((resolve) => tcp.close(resolve));
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      aedes.close(() => {
        resolve();
      });
    });
    await closed;
  }

  const http = createHttpServer((request, response) => {
    void answerTo(request).then(
      ({ status, answer }) => response.writeHead(status, { "content-type": "application/x-protobuf" }).end(answer),
      () => request.destroy(),
    );
  });

  async function answerTo(request: IncomingMessage): Promise<{ status: number; answer: Uint8Array }> {
    const bytes = await body(request);
    const url = new URL(request.url ?? "", "http://server");
    if (url.pathname === gatewayPaths.batches || url.pathname === gatewayPaths.commands) {
      const gatewayId = callerOf(request);
      if (gatewayId === undefined) return { status: 401, answer: new Uint8Array() };
      if (request.method === "POST") return takeBatches(gatewayId, bytes);
      return { status: 200, answer: await giveCommands(gatewayId, Number(url.searchParams.get("waitMs")), request) };
    }
    return answerHttp(request, bytes);
  }

  function callerOf(request: IncomingMessage): string | undefined {
    const [gatewayId = "", secret] = Buffer.from((request.headers.authorization ?? "").slice(6), "base64")
      .toString()
      .split(":");
    return keys.has(gatewayId) && secret === password ? gatewayId : undefined;
  }

  function takeBatches(gatewayId: string, bytes: Uint8Array): { status: number; answer: Uint8Array } {
    const status = server.batchStatus({ bytes: bytes.length });
    if (status !== undefined) return { status, answer: new Uint8Array() };
    const batches = decodeDelimited(bytes);
    if (batches.kind === "invalid") return { status: 400, answer: new Uint8Array() };
    const judged = batches.value.map((sealed) => judge(gatewayId, sealed)).filter((one) => one !== undefined);
    const outcomes = judged.map(({ sequence, result }) => ({ sequence, result, reason: "" }));
    return { status: 200, answer: encodeAck({ epoch: judged[0]?.epoch ?? "", outcomes }) };
  }

  async function giveCommands(gatewayId: string, waitMs: number, request: IncomingMessage): Promise<Uint8Array> {
    if (waitMs > 0 && (commands.get(gatewayId) ?? []).length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        const end = (): void => {
          clearTimeout(timer);
          resolve();
        };
        polls.set(gatewayId, end);
        request.socket.once("close", end);
      });
    }
    if (waitMs === 0 || request.socket.destroyed) return new Uint8Array();
    const waiting = commands.get(gatewayId) ?? [];
    commands.delete(gatewayId);
    return encodeDelimited(waiting);
  }

  function answerHttp(request: IncomingMessage, bytes: Buffer): { status: number; answer: Uint8Array } {
    const none = new Uint8Array();
    if (request.method === "POST" && request.url === "/gateway/v1/enrol") {
      enrolAttempts += 1;
      const decoded = decodeEnrolRequest(bytes);
      if (decoded.kind === "invalid" || decoded.value.token !== token) return { status: 403, answer: none };
      const gatewayId = `gw-${sha256Hex(decoded.value.publicKey).slice(0, 16)}`;
      keys.set(gatewayId, decoded.value.publicKey);
      const { mqttUrl } = server;
      const response = { gatewayId, siteId: "site-1", mqttUsername: gatewayId, mqttPassword: password, mqttUrl };
      return { status: 200, answer: encodeEnrolResponse(response) };
    }
    const sha256 = /^\/gateway\/v1\/evidence\/([0-9a-f]{64})$/.exec(request.url ?? "")?.[1];
    if (request.method !== "PUT" || sha256 === undefined) return { status: 404, answer: none };
    if (callerOf(request) === undefined) return { status: 401, answer: none };
    const status = server.evidenceStatus(sha256, bytes);
    if (status < 300) evidence.set(sha256, { bytes, mediaType: request.headers["content-type"] ?? "" });
    return { status, answer: none };
  }

  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const server: UplinkServer = {
    httpUrl: `http://127.0.0.1:${portOf(http)}`,
    mqttPort: broker.port,
    mqttUrl: `mqtt://127.0.0.1:${broker.port}`,
    verdict: () => "stored",
    batchStatus: () => undefined,
    evidenceStatus: (sha256, bytes) => (sha256Hex(bytes) === sha256 ? 201 : 422),
    stored,
    deliveries,
    evidence,
    enrolAttempts: () => enrolAttempts,
    sendCommand: (gatewayId, command) => {
      const bytes = encodeCommand(command);
      publish(broker.aedes, topics.commands(gatewayId), bytes);
      commands.set(gatewayId, [...(commands.get(gatewayId) ?? []), bytes]);
      polls.get(gatewayId)?.();
    },
    async restartBroker() {
      await closeBroker();
      broker = await openBroker(server.mqttPort);
    },
    async restart() {
      const { port } = new URL(server.httpUrl);
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await server.restartBroker();
      http.listen(Number(port), "127.0.0.1");
      await once(http, "listening");
    },
    async stop() {
      await closeBroker();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

function openBatch(publicKey: Uint8Array | undefined, bytes: Uint8Array): Batch {
  const sealed = decodeSealed(bytes);
  if (sealed.kind === "invalid") throw new Error(sealed.reason);
  if (publicKey === undefined || !verifySealed(sealed.value, publicKeyFromRaw(publicKey)))
    throw new Error("wrong signature");
  const batch = decodeBatch(sealed.value.body);
  if (batch.kind === "invalid") throw new Error(batch.reason);
  return batch.value;
}

function portOf(server: Server | HttpServer): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // request streams give buffers
  return Buffer.concat(chunks);
}
