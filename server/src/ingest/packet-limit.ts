import type { Socket } from "node:net";

/**
 * Reads the fixed headers of an MQTT byte stream (3.1.1 §2.2: type byte, remaining length of 1 to 4 bytes with 7 bits
 * each) to know the size of a packet before it is complete. mqtt-packet has no limit: it would collect up to 256 MiB.
 */
export class PacketSizeScanner {
  #state: "type" | "length" | "body" = "type";
  #left = 0;
  #shift = 0;

  /** @returns the size of the first packet over the limit, or undefined */
  scan(chunk: Uint8Array, limitBytes: number): number | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "body") {
        const step = Math.min(this.#left, chunk.length - at);
        at += step;
        this.#left -= step;
      } else if (this.#state === "type") {
        this.#state = "length";
        this.#left = 0;
        this.#shift = 0;
        at += 1;
      } else {
        const byte = chunk[at] ?? 0;
        at += 1;
        this.#left += (byte & 0x7f) * 2 ** this.#shift;
        this.#shift += 7;
        if ((byte & 0x80) !== 0 && this.#shift < 28) continue;
        if (this.#left > limitBytes) return this.#left;
        this.#state = "body";
      }
      if (this.#state === "body" && this.#left === 0) this.#state = "type";
    }
    return undefined;
  }
}

/**
 * Destroys a connection that begins a packet over the limit. It looks at the bytes as they are read, so nothing is copied
 * and the socket keeps its own flow control.
 */
export function limitPackets(socket: Socket, limitBytes: () => number): void {
  const scanner = new PacketSizeScanner();
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array)) return chunk;
    const tooLarge = scanner.scan(chunk, limitBytes());
    if (tooLarge === undefined) return chunk;
    socket.destroy(new RangeError(`a packet of ${tooLarge} bytes, at most ${limitBytes()} allowed`));
    return null;
  };
}
