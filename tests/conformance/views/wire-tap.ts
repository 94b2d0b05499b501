import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What a client sent, as it stood on the wire (MQTT 3.1.1 and 5, section 2). */
export interface WirePacket {
  readonly connection: number;
  readonly type: "CONNECT" | "PUBLISH" | "SUBSCRIBE" | "DISCONNECT" | "other";
  /** Low four bits of the first byte. */
  readonly flags: number;
  readonly body: Buffer;
}

export interface WireConnect {
  readonly protocolLevel: number;
  readonly cleanSession: boolean;
  readonly hasWill: boolean;
  readonly willQos: number;
  readonly willRetain: boolean;
  readonly sessionExpirySeconds: number | undefined;
  readonly willTopic: string;
  readonly willPayload: Buffer;
}

export interface WirePublish {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly payload: Buffer;
}

const types: Readonly<Record<number, WirePacket["type"]>> = {
  1: "CONNECT",
  3: "PUBLISH",
  8: "SUBSCRIBE",
  14: "DISCONNECT",
};

/** Lies between a client and its server, notes what the client sends, and can cut or freeze the line. */
export class WireTap {
  readonly packets: WirePacket[] = [];
  /** New connections are taken and answered by nobody. */
  isDeaf = false;
  /** Nothing passes any more, in either direction, and nobody is told. */
  isFrozen = false;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
  }

  static async to(targetPort: number): Promise<WireTap> {
    const server = createServer();
    const tap = new WireTap(server, targetPort);
    server.on("connection", (socket) => {
      tap.#accept(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return tap;
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the tap does not listen");
    return address.port;
  }

  get connections(): number {
    return this.#connections;
  }

  connects(): readonly WireConnect[] {
    return this.packets.filter(({ type }) => type === "CONNECT").map(({ body }) => readConnect(body));
  }

  publishes(connection?: number): readonly WirePublish[] {
    return this.packets
      .filter((packet) => packet.type === "PUBLISH" && (connection === undefined || packet.connection === connection))
      .map((packet) => readPublish(packet, this.connects()[0]?.protocolLevel === 5));
  }

  /** Breaks every line. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    const connection = this.#connections;
    this.#connections += 1;
    this.#sockets.add(client);
    client.on("error", () => undefined);
    if (this.isDeaf) return;
    const upstream = connect(this.#targetPort, "127.0.0.1");
    this.#sockets.add(upstream);
    upstream.on("error", () => undefined);
    let rest: Buffer = Buffer.alloc(0);
    client.on("data", (chunk) => {
      if (this.isFrozen) return;
      upstream.write(chunk);
      rest = this.#read(connection, Buffer.concat([rest, chunk]));
    });
    upstream.on("data", (chunk) => {
      if (!this.isFrozen) client.write(chunk);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  }

  #read(connection: number, bytes: Buffer): Buffer {
    let at = 0;
    for (;;) {
      let length = 0;
      let shift = 0;
      let next = at + 1;
      for (; ; next += 1, shift += 7) {
        const byte = bytes[next];
        if (byte === undefined) return bytes.subarray(at);
        length += (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const end = next + 1 + length;
      if (end > bytes.length) return bytes.subarray(at);
      const first = bytes.readUInt8(at);
      const type = types[first >> 4] ?? "other";
      this.packets.push({ connection, type, flags: first & 0x0f, body: Buffer.from(bytes.subarray(next + 1, end)) });
      at = end;
    }
  }
}

/** MQTT 3.1.1 and 5, section 3.1. */
function readConnect(body: Buffer): WireConnect {
  const level = body.readUInt8(6);
  const flags = body.readUInt8(7);
  let at = 10;
  const field = (): Buffer => {
    const length = body.readUInt16BE(at);
    at += 2 + length;
    return body.subarray(at - length, at);
  };
  let sessionExpirySeconds: number | undefined;
  if (level === 5) {
    const length = body.readUInt8(at);
    const properties = body.subarray(at + 1, at + 1 + length);
    if (properties[0] === 0x11) sessionExpirySeconds = properties.readUInt32BE(1);
    at += 1 + length;
  }
  field(); // client id
  if (level === 5 && (flags & 4) !== 0) at += 1 + body.readUInt8(at); // will properties
  const hasWill = (flags & 4) !== 0;
  return {
    protocolLevel: level,
    cleanSession: (flags & 2) !== 0,
    hasWill,
    willQos: (flags >> 3) & 3,
    willRetain: (flags & 0x20) !== 0,
    sessionExpirySeconds,
    willTopic: hasWill ? field().toString() : "",
    willPayload: hasWill ? Buffer.from(field()) : Buffer.alloc(0),
  };
}

function readPublish({ flags, body }: WirePacket, isVersion5: boolean): WirePublish {
  const qos = (flags >> 1) & 3;
  const topicEnd = 2 + body.readUInt16BE(0);
  let at = topicEnd + (qos > 0 ? 2 : 0);
  if (isVersion5) at += 1 + body.readUInt8(at);
  return { topic: body.subarray(2, topicEnd).toString(), qos, retain: (flags & 1) !== 0, payload: body.subarray(at) };
}
