import { existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { Readable } from "node:stream";

import type { IPublishPacket, IStore } from "mqtt";
import { z } from "zod";

/**
 * One line of a device's log:
 * P published (packet id, value, time, QoS, topic, payload) · A acknowledged by PUBACK or PUBREC · C QoS 2 is complete ·
 * D repeated after a reconnect or a restart of the device.
 */
const line = z.union([
  z.tuple([z.literal("P"), z.number(), z.number(), z.number(), z.number(), z.string(), z.string()]),
  z.tuple([z.enum(["A", "C", "D"]), z.number(), z.number()]),
]);

/** A reading as its device knows it. */
export interface LoggedReading {
  readonly value: number;
  readonly sentMs: number;
  readonly qos: number;
  readonly topic: string;
  readonly payload: string;
  acknowledgedMs: number | null;
  /** How often it was sent again. */
  repeats: number;
  isComplete: boolean;
}

type Packet = Parameters<IStore["put"]>[0];
type PacketCallback = Parameters<IStore["get"]>[1];

/** Everything a device ever sent, oldest first. A last line that was cut off by a kill says nothing. */
export function readDeviceLog(file: string): readonly LoggedReading[] {
  if (!existsSync(file)) return [];
  return replay(file).readings;
}

/** The value inside a payload: the bare number, or `v` of an object. */
function valueOf(payload: string): number {
  return payload.startsWith("{") ? z.object({ v: z.number() }).parse(JSON.parse(payload)).v : Number(payload);
}

function replay(file: string): { readings: readonly LoggedReading[]; open: Map<number, LoggedReading> } {
  const readings: LoggedReading[] = [];
  const open = new Map<number, LoggedReading>();
  for (const text of readFileSync(file, "utf8").split("\n")) {
    const entry = parse(text);
    if (entry === undefined) continue;
    if (entry[0] === "P") {
      const [, id, value, sentMs, qos, topic, payload] = entry;
      const reading = { value, sentMs, qos, topic, payload, acknowledgedMs: null, repeats: 0, isComplete: false };
      readings.push(reading);
      open.set(id, reading);
      continue;
    }
    const [kind, id, timeMs] = entry;
    const reading = open.get(id);
    if (reading === undefined) continue;
    if (kind === "D") reading.repeats += 1;
    else {
      reading.acknowledgedMs ??= timeMs;
      reading.isComplete = kind === "C" || reading.qos < 2;
      if (reading.isComplete) open.delete(id);
    }
  }
  return { readings, open };
}

function parse(text: string): z.output<typeof line> | undefined {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    return undefined; // the last line of a life that was killed
  }
}

/**
 * A device's durable memory, as mqtt.js's outgoing store: what is in it and not acknowledged is sent again, marked DUP,
 * after a reconnect and after a restart of the device. The file is at the same time the book of what was acknowledged: a
 * line is with the operating system before the packet is sent, and as soon as the PUBACK is read.
 */
export class DeviceLog implements IStore {
  readonly #handle: number;
  readonly #open: Map<number, LoggedReading>;
  readonly #onAcknowledged: (value: number) => void;
  readonly highestValue: readonly number[];

  constructor(file: string, onAcknowledged: (value: number) => void) {
    const known = existsSync(file) ? replay(file) : { readings: [], open: new Map<number, LoggedReading>() };
    this.#open = known.open;
    this.highestValue = known.readings.map((reading) => reading.value);
    this.#handle = openSync(file, "a", 0o600);
    this.#onAcknowledged = onAcknowledged;
    // A line that a kill cut off must not swallow the next one.
    writeSync(this.#handle, "\n");
  }

  get pending(): number {
    return this.#open.size;
  }

  put(packet: Packet, done: Parameters<IStore["put"]>[1]): this {
    const id = packet.messageId ?? 0;
    if (packet.cmd === "publish") this.published(id, packet.qos, packet.topic, packet.payload.toString());
    else this.#acknowledge("A", id);
    done();
    return this;
  }

  published(id: number, qos: number, topic: string, payload: string): void {
    const reading = { value: valueOf(payload), sentMs: Date.now(), qos, topic, payload, repeats: 0 };
    this.#open.set(id, { ...reading, acknowledgedMs: null, isComplete: false });
    this.#write(["P", id, reading.value, reading.sentMs, qos, topic, payload]);
  }

  createStream(): ReturnType<IStore["createStream"]> {
    const packets = [...this.#open].map(([messageId, { topic, payload, qos, acknowledgedMs }]) => {
      if (acknowledgedMs !== null) return { cmd: "pubrel", messageId, qos: 1 } as const;
      this.#write(["D", messageId, Date.now()]);
      return { cmd: "publish", messageId, topic, payload, qos, dup: true, retain: false } as const;
    });
    // mqtt.js types the streams of a package; it uses what both have.
    return Readable.from(packets, { objectMode: true }) as unknown as ReturnType<IStore["createStream"]>;
  }

  del(packet: Pick<Packet, "messageId">, done: PacketCallback): this {
    const id = packet.messageId ?? 0;
    const reading = this.#open.get(id);
    if (reading === undefined) {
      done(new Error("missing packet"));
      return this;
    }
    this.#acknowledge(reading.qos === 2 ? "C" : "A", id);
    this.#open.delete(id);
    done(undefined, this.#packetOf(id, reading));
    return this;
  }

  get(packet: Pick<Packet, "messageId">, done: PacketCallback): this {
    const reading = this.#open.get(packet.messageId ?? 0);
    if (reading === undefined) done(new Error("missing packet"));
    else done(undefined, this.#packetOf(packet.messageId ?? 0, reading));
    return this;
  }

  close(done: Parameters<IStore["close"]>[0]): void {
    done();
  }

  #packetOf(messageId: number, { topic, payload, qos }: LoggedReading): IPublishPacket {
    return { cmd: "publish", messageId, topic, payload, qos: qos === 2 ? 2 : 1, dup: false, retain: false };
  }

  #acknowledge(kind: "A" | "C", id: number): void {
    const reading = this.#open.get(id);
    if (reading === undefined) return;
    const isNew = reading.acknowledgedMs === null;
    reading.acknowledgedMs ??= Date.now();
    this.#write([kind, id, reading.acknowledgedMs]);
    if (isNew) this.#onAcknowledged(reading.value);
  }

  #write(entry: z.output<typeof line>): void {
    writeSync(this.#handle, `${JSON.stringify(entry)}\n`);
  }
}
