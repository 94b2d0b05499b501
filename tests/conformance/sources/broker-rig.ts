import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";

import { connect, connectAsync, type IClientOptions, type MqttClient } from "mqtt";

import type { PointBinding } from "../../../gateway/src/core/source.ts";
import type { MqttAddress } from "../../../gateway/src/sources/mqtt-address.ts";
import { mqttBroker, MqttBroker } from "../../../gateway/src/sources/mqtt-broker.ts";
import { mqttPoint, type RecordingContext, recordingContext } from "./harness.ts";

/** What a client heard, in the order of arrival. */
export interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
}

/** The embedded broker with surroundings that remember, and real clients of it. */
export class BrokerRig {
  readonly context: RecordingContext;
  readonly points: readonly PointBinding<MqttAddress>[];
  broker: MqttBroker;
  readonly #clients: MqttClient[] = [];
  readonly #sockets: Socket[] = [];

  private constructor(context: RecordingContext, points: readonly PointBinding<MqttAddress>[], broker: MqttBroker) {
    this.context = context;
    this.points = points;
    this.broker = broker;
  }

  static async start(
    options: Readonly<Record<string, unknown>>,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<BrokerRig> {
    const context = await recordingContext({ environment });
    const points = [mqttPoint("room", "plain/room", { kind: "plain" })];
    const rig = new BrokerRig(context, points, BrokerRig.#make(options, points, context));
    await rig.broker.start();
    return rig;
  }

  static #make(
    options: Readonly<Record<string, unknown>>,
    points: readonly PointBinding<MqttAddress>[],
    context: RecordingContext,
  ): MqttBroker {
    return new MqttBroker(mqttBroker.options.parse({ port: 0, ...options }), points, context);
  }

  /** Another broker over the same state folder. Without `stop` before it: what a crash leaves behind. */
  async again(options: Readonly<Record<string, unknown>>): Promise<void> {
    this.broker = BrokerRig.#make(options, this.points, this.context);
    await this.broker.start();
  }

  async client(options: IClientOptions = {}, url = `mqtt://127.0.0.1:${this.broker.port}`): Promise<MqttClient> {
    const client = await connectAsync(url, { reconnectPeriod: 0, ...options });
    client.on("error", () => undefined);
    this.#clients.push(client);
    return client;
  }

  /** A client that subscribes and remembers what it hears. */
  async listener(
    options: IClientOptions,
    filters: readonly string[],
    qos: 0 | 1 | 2 = 2,
  ): Promise<{ readonly client: MqttClient; readonly heard: readonly Heard[] }> {
    const heard: Heard[] = [];
    // What a session kept arrives right after CONNACK: listen before.
    const client = connect(`mqtt://127.0.0.1:${this.broker.port}`, { reconnectPeriod: 0, ...options });
    client.on("error", () => undefined);
    client.on("message", (topic, payload, packet) => {
      heard.push({ topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain, dup: packet.dup });
    });
    this.#clients.push(client);
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => {
        resolve();
      });
      client.once("error", reject);
    });
    if (filters.length > 0) await client.subscribeAsync([...filters], { qos });
    return { client, heard };
  }

  rawSocket(): Socket {
    const socket = connectTcp(this.broker.port ?? 0, "127.0.0.1");
    socket.on("error", () => undefined);
    this.#sockets.push(socket);
    return socket;
  }

  async remove(): Promise<void> {
    for (const client of this.#clients.splice(0)) {
      client.stream.destroy();
      client.end(true);
    }
    for (const socket of this.#sockets.splice(0)) socket.destroy();
    await this.broker.stop();
    await this.context.remove();
  }
}

/** CONNECT of MQTT 3.1.1, section 3.1. */
export function connectPacket(
  clientId: string,
  more: {
    readonly clean?: boolean;
    readonly keepaliveSeconds?: number;
    readonly protocol?: string;
    readonly username?: string;
    readonly password?: string;
    readonly will?: { readonly topic: string; readonly message: string };
  } = {},
): Buffer {
  const { clean = true, keepaliveSeconds = 60, protocol = "MQTT", username, password, will } = more;
  const flags =
    (clean ? 2 : 0) |
    (will === undefined ? 0 : 4) |
    (username === undefined ? 0 : 0x80) |
    (password === undefined ? 0 : 0x40);
  const texts = [clientId, will?.topic, will?.message, username, password].filter((one) => one !== undefined);
  const head = Buffer.from([4, flags, keepaliveSeconds >> 8, keepaliveSeconds & 0xff]);
  return frame(0x10, Buffer.concat([field(protocol), head, ...texts.map(field)]));
}

/** PUBLISH of MQTT 3.1.1, section 3.3. */
export function publishPacket(
  topic: string,
  payload: string,
  more: { readonly qos?: number; readonly messageId?: number; readonly dup?: boolean } = {},
): Buffer {
  const { qos = 1, messageId = 1, dup = false } = more;
  const id = qos === 0 ? Buffer.alloc(0) : Buffer.from([messageId >> 8, messageId & 0xff]);
  return frame(0x30 | (qos << 1) | (dup ? 8 : 0), Buffer.concat([field(topic), id, Buffer.from(payload)]));
}

export const disconnectPacket = Buffer.from([0xe0, 0]);

function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function frame(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** The next bytes that come. */
export async function nextBytes(socket: Socket): Promise<Buffer> {
  const [bytes] = (await once(socket, "data")) as [Buffer]; // sockets without encoding give buffers
  return bytes;
}
