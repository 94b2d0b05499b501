import type { IngestResult } from "../core/ingest.ts";
import type { IngestOptions } from "./options.ts";

/** Bytes of a gateway waiting to be looked at. */
export interface Waiting {
  readonly gatewayId: string;
  readonly bytes: Uint8Array;
  readonly receivedMs: number;
  resolve(result: IngestResult): void;
}

/** Batches that wait for the next commit. Overflow: refused at the door, the gateway sends again later. */
export class GroupQueue {
  readonly #options: IngestOptions;
  #items: Waiting[] = [];
  #bytes = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false when there is no room */
  push(item: Waiting): boolean {
    const { queueBatches, queueBytes } = this.#options;
    if (this.#items.length >= queueBatches || this.#bytes + item.bytes.length > queueBytes) return false;
    this.#items.push(item);
    this.#bytes += item.bytes.length;
    return true;
  }

  /** The oldest ones, as many as one commit may take; at least one unless empty. */
  takeGroup(): readonly Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const item of this.#items) {
      const isFull = count >= this.#options.groupBatches || bytes + item.bytes.length > this.#options.groupBytes;
      if (isFull && count > 0) break;
      count += 1;
      bytes += item.bytes.length;
    }
    const group = this.#items.slice(0, count);
    this.#items = this.#items.slice(count);
    this.#bytes -= bytes;
    return group;
  }
}
