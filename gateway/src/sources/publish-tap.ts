import type { Socket } from "node:net";

/** A packet that a peer announced and that is larger than allowed. */
export interface OversizedFrame {
  readonly declaredBytes: number;
  /** Of a PUBLISH, as far as it has arrived; empty otherwise. */
  readonly topic: string;
}

/** A PUBLISH of QoS 0 or 1 as it came. */
export interface PublishFrame {
  readonly topic: string;
  /** Of the socket's memory: copy what is to stay. */
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 for QoS 0. */
  readonly messageId: number;
}

export interface TapHandler {
  /** True once this connection's messages may be taken: the broker is done with its CONNECT. */
  readonly isOpen: boolean;
  /** False: nothing is read for now. */
  readonly isReading: boolean;
  onPublish(frame: PublishFrame): void;
  /** All that one read brought has been handed over. */
  onChunk(): void;
  /** A message came before its connection is open: nothing is read until it is. */
  onEarly(): void;
  onOversized(frame: OversizedFrame): void;
  onMalformed(reason: string): void;
}

const publishType = 3;
const emptyChunk = Buffer.alloc(0);

/**
 * Stands between a socket and aedes and follows the frames of the byte stream (MQTT 3.1.1, section 2.2). PUBLISH of QoS 0
 * and 1 is taken out and handed over, all else goes on to aedes, whole and in order. A packet that announces more than the
 * limit is noticed before anybody keeps a byte of it: a parser would collect up to 256 MiB first.
 */
export class PublishTap {
  readonly #maxBytes: number;
  readonly #handler: TapHandler;
  /** The beginning of a frame that has not arrived as a whole. */
  #pending: Buffer = emptyChunk;
  /** Bytes of the current frame that still go to aedes. */
  #passing = 0;
  #isBroken = false;
  #hasPassed = false;
  #isHolding = false;

  constructor(maxBytes: number, handler: TapHandler) {
    this.#maxBytes = maxBytes;
    this.#handler = handler;
  }

  /** Bytes that were read already wait for the connection to open. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** What of this chunk is for aedes; null when nothing is. After a broken frame nothing is any more. */
  push(chunk: Buffer): Buffer | null {
    if (this.#isBroken) return null;
    const data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = emptyChunk;
    this.#isHolding = false;
    const passed: Buffer[] = [];
    let at = 0;
    while (at < data.length && !this.#isBroken) {
      if (this.#passing > 0) {
        const end = Math.min(data.length, at + this.#passing);
        passed.push(data.subarray(at, end));
        this.#passing -= end - at;
        at = end;
        continue;
      }
      const header = readHeader(data, at);
      if (header === undefined) {
        this.#pending = data.subarray(at);
        break;
      }
      const { bodyAt, bodyBytes, isBroken } = header;
      const first = data[at] ?? 0;
      if (isBroken || bodyBytes > this.#maxBytes) {
        this.#isBroken = true;
        const topic = first >> 4 === publishType ? readTopic(data, at + 1) : "";
        this.#handler.onOversized({ declaredBytes: bodyBytes, topic });
        break;
      }
      const isOurs = first >> 4 === publishType && (first & 0b110) < 0b100;
      // A PUBLISH as the very first packet is aedes's to refuse [MQTT-3.1.0-1].
      if (!isOurs || !(this.#handler.isOpen || this.#hasPassed)) {
        this.#hasPassed = true;
        this.#passing = bodyAt - at + bodyBytes;
        continue;
      }
      if (!this.#handler.isOpen) {
        this.#pending = data.subarray(at);
        this.#isHolding = true;
        this.#handler.onEarly();
        break;
      }
      const end = bodyAt + bodyBytes;
      if (end > data.length) {
        this.#pending = data.subarray(at);
        break;
      }
      this.#take(first, data, bodyAt, end);
      at = end;
    }
    if (passed.length === 0) return null;
    return passed.length === 1 ? (passed[0] ?? null) : Buffer.concat(passed);
  }

  #take(first: number, data: Buffer, from: number, end: number): void {
    const qos = (first & 0b110) === 0 ? 0 : 1;
    const topicEnd = from + 2 + (((data[from] ?? 0) << 8) | (data[from + 1] ?? 0));
    const payloadAt = topicEnd + 2 * qos;
    if (end < from + 2 || payloadAt > end) {
      this.#malformed("a PUBLISH that is shorter than its topic");
      return;
    }
    const topic = data.toString("utf8", from + 2, topicEnd);
    const messageId = qos === 0 ? 0 : ((data[topicEnd] ?? 0) << 8) | (data[topicEnd + 1] ?? 0);
    if (qos === 1 && messageId === 0) {
      this.#malformed("a PUBLISH with packet id 0"); // [MQTT-2.3.1-1]
      return;
    }
    const payload = data.subarray(payloadAt, end);
    const [retain, dup] = [(first & 1) === 1, (first & 0b1000) !== 0];
    this.#handler.onPublish({ topic, payload, qos, retain, dup, messageId });
  }

  #malformed(reason: string): void {
    this.#isBroken = true;
    this.#handler.onMalformed(reason);
  }
}

interface FrameHeader {
  readonly bodyAt: number;
  readonly bodyBytes: number;
  readonly isBroken: boolean;
}

/** undefined: not all of it is there. */
function readHeader(data: Buffer, from: number): FrameHeader | undefined {
  let bodyBytes = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = data[from + 1 + index];
    if (byte === undefined) return undefined;
    bodyBytes += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { bodyAt: from + 2 + index, bodyBytes, isBroken: false };
  }
  return { bodyAt: from + 5, bodyBytes, isBroken: true };
}

function readTopic(data: Buffer, lengthAt: number): string {
  let at = lengthAt;
  while ((data[at] ?? 0) >= 0x80 && at < lengthAt + 3) at += 1;
  const length = Math.min(((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0), 256);
  return data.toString("utf8", at + 3, at + 3 + length);
}

/** Lets a tap read a socket's bytes before anybody else does. */
export function tapSocket(socket: Socket, maxBytes: number, handler: TapHandler): void {
  const tap = new PublishTap(maxBytes, handler);
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null; // Socket.read is typed any; without encoding it gives buffers
  socket.read = (size?: number): Buffer | null => {
    while (handler.isReading) {
      const chunk = tap.isHolding ? emptyChunk : read(size);
      if (chunk === null) return null;
      const rest = tap.push(chunk);
      handler.onChunk();
      if (rest !== null) return rest;
    }
    return null;
  };
}
