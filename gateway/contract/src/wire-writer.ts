const twoTo31 = 0x80_00_00_00;

/**
 * Writes protobuf's wire format into one growing buffer. Only what the hot path of a batch needs, and byte for byte what the
 * generated encoder writes (a test compares them); absent values are left to the caller.
 */
export class WireWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(sizeBytes: number) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Forgets everything written. */
  reset(): void {
    this.#at = 0;
  }

  /** A copy of everything written. */
  result(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  /** Makes sure that this many more bytes can be written: to be called before the methods below. */
  reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Tags of fields up to 15; at most 2 bytes above. */
  tag(field: number, wireType: 0 | 2): void {
    this.varint32((field << 3) | wireType);
  }

  /** At most 5 bytes; 0 ≤ value < 2^31. */
  varint32(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#at] = (rest & 0x7f) | 0x80;
      this.#at += 1;
      rest >>>= 7;
    }
    this.#bytes[this.#at] = rest;
    this.#at += 1;
  }

  /** At most 10 bytes; a safe integer, as int64. */
  int64(value: number): void {
    if (value < 0) {
      this.#negative(value);
      return;
    }
    let rest = value;
    while (rest >= twoTo31) {
      this.#bytes[this.#at] = (rest % 128) | 0x80;
      this.#at += 1;
      rest = Math.floor(rest / 128);
    }
    this.varint32(rest);
  }

  /** At most 5 bytes; |value| < 2^31. */
  sint32(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest > 0x7f) {
      this.#bytes[this.#at] = (rest & 0x7f) | 0x80;
      this.#at += 1;
      rest >>>= 7;
    }
    this.#bytes[this.#at] = rest;
    this.#at += 1;
  }

  double(value: number): void {
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Length and content; at most 5 + 3 bytes per UTF-16 unit. */
  string(text: string): void {
    const mark = this.begin();
    let index = 0;
    for (; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) break;
      this.#bytes[this.#at] = unit;
      this.#at += 1;
    }
    if (index < text.length) {
      const rest = Buffer.from(text.slice(index), "utf8");
      this.#bytes.set(rest, this.#at);
      this.#at += rest.length;
    }
    this.end(mark);
  }

  /** Length and content; at most 5 bytes more than the content. */
  bytes(content: Uint8Array): void {
    this.varint32(content.length);
    this.raw(content);
  }

  raw(content: Uint8Array): void {
    this.#bytes.set(content, this.#at);
    this.#at += content.length;
  }

  /** Begins something whose length comes first; 5 bytes besides its content. */
  begin(): number {
    const mark = this.#at;
    this.#at += 1;
    return mark;
  }

  end(mark: number): void {
    const start = mark + 1;
    const length = this.#at - start;
    let sizeBytes = 1;
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) sizeBytes += 1;
    if (sizeBytes > 1) this.#bytes.copyWithin(mark + sizeBytes, start, this.#at);
    this.#at = mark;
    this.varint32(length);
    this.#at += length;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#bytes[this.#at] = Number(rest & 0x7fn) | 0x80;
      this.#at += 1;
      rest >>= 7n;
    }
    this.#bytes[this.#at] = Number(rest);
    this.#at += 1;
  }
}
