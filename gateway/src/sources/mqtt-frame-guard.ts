import type { Socket } from "node:net";

/** A packet that a peer announced and that is larger than allowed. */
export interface OversizedFrame {
  readonly declaredBytes: number;
  /** Of a PUBLISH, as far as it has arrived; empty otherwise. */
  readonly topic: string;
}

const publishType = 3;

/**
 * Follows the fixed headers of an MQTT byte stream (3.1.1, section 2.2) and tells of the first packet that announces more
 * than the limit, before anybody keeps a byte of it: a parser would collect up to 256 MiB first.
 */
export class FrameScanner {
  readonly #maxBytes: number;
  /** Bytes of the current packet still to come; -1 while its header is being read. */
  #remaining = -1;
  /** Header bytes so far of a header that a chunk cut in two. */
  #type = -1;
  #length = 0;
  #shift = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Uint8Array): OversizedFrame | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const skipped = Math.min(this.#remaining, chunk.length - at);
        this.#remaining -= skipped;
        at += skipped;
        if (this.#remaining === 0) this.#remaining = -1;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (this.#type < 0) {
        this.#type = byte >> 4;
        this.#length = 0;
        this.#shift = 0;
        continue;
      }
      this.#length += (byte & 0x7f) * 2 ** this.#shift;
      this.#shift += 7;
      if (this.#length > this.#maxBytes || this.#shift > 28) {
        return { declaredBytes: this.#length, topic: this.#type === publishType ? readTopic(chunk, at, byte) : "" };
      }
      if (byte >= 0x80) continue;
      this.#type = -1;
      this.#remaining = this.#length === 0 ? -1 : this.#length;
    }
    return undefined;
  }
}

function readTopic(chunk: Uint8Array, from: number, lastByte: number): string {
  let at = from;
  let byte = lastByte;
  while (byte >= 0x80 && at < chunk.length) {
    byte = chunk[at] ?? 0;
    at += 1;
  }
  const length = Math.min(((chunk[at] ?? 0) << 8) | (chunk[at + 1] ?? 0), 256);
  return Buffer.from(chunk.subarray(at + 2, at + 2 + length)).toString("utf8");
}

/** Lets nobody read a packet larger than `maxBytes` from this socket: tells, then cuts the connection. */
export function guardFrames(socket: Socket, maxBytes: number, onOversized: (frame: OversizedFrame) => void): void {
  const scanner = new FrameScanner(maxBytes);
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null; // Socket.read is typed any; without encoding it gives buffers
  socket.read = (size?: number): Buffer | null => {
    const chunk = read(size);
    if (chunk === null) return null;
    const oversized = scanner.push(chunk);
    if (oversized === undefined) return chunk;
    onOversized(oversized);
    socket.destroy();
    return null;
  };
}
