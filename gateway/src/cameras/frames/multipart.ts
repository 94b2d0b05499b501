/** What a multipart/x-mixed-replace stream is cut into. */
export type Part =
  | { readonly kind: "part"; readonly data: Uint8Array }
  | { readonly kind: "broken"; readonly why: string };

const maxHeaderBytes = 8_192;
const lineFeed = 10;

/**
 * Cuts a stream into its parts (RFC 2046, section 5.1) as cameras really send them: the boundary parameter with or without the
 * leading dashes, quoted, or missing (then it is the first line); bare line feeds; with Content-Length or without; rubbish
 * between the parts. Never holds more than one part and `maxPartBytes`.
 */
export class MultipartReader {
  readonly #maxPartBytes: number;
  #boundary: Buffer | undefined;
  #buffer = Buffer.alloc(0);
  #filled = 0;
  #state: "boundary" | "header" | "counted" | "until-boundary" = "boundary";
  #wanted = 0;
  /** Up to here the buffer was searched without success. */
  #searched = 0;

  constructor(boundary: string | undefined, maxPartBytes: number) {
    this.#maxPartBytes = maxPartBytes;
    const bare = boundary?.replace(/^-+/, "");
    this.#boundary = bare === undefined || bare === "" ? undefined : Buffer.from(bare, "latin1");
  }

  push(chunk: Uint8Array): readonly Part[] {
    this.#append(chunk);
    const parts: Part[] = [];
    for (let more = true; more;) more = this.#step(parts);
    return parts;
  }

  #step(parts: Part[]): boolean {
    if (this.#state === "boundary") return this.#findBoundary(parts);
    if (this.#state === "header") return this.#readHeader(parts);
    if (this.#state === "until-boundary") return this.#readUntilBoundary(parts);
    if (this.#filled < this.#wanted) return false;
    parts.push({ kind: "part", data: this.#take(this.#wanted) });
    this.#go("boundary");
    return true;
  }

  /** A whole line with the boundary in it; what stands before it is dropped. */
  #findBoundary(parts: Part[]): boolean {
    if (this.#boundary === undefined) return this.#learnBoundary(parts);
    const view = this.#view();
    const at = view.indexOf(this.#boundary, Math.max(0, this.#searched - this.#boundary.length));
    if (at < 0) {
      this.#searched = 0;
      this.#drop(Math.max(0, this.#filled - this.#boundary.length));
      return false;
    }
    const end = view.indexOf(lineFeed, at);
    if (end < 0) {
      this.#searched = at;
      if (this.#filled - at > maxHeaderBytes) this.#drop(at + this.#boundary.length);
      return false;
    }
    this.#drop(end + 1);
    this.#go("header");
    return true;
  }

  #learnBoundary(parts: Part[]): boolean {
    const view = this.#view();
    const end = view.indexOf(lineFeed);
    if (end < 0) {
      if (this.#filled > maxHeaderBytes) {
        parts.push({ kind: "broken", why: "no boundary at its beginning" });
        this.#drop(this.#filled);
      }
      return false;
    }
    const line = view.subarray(0, end).toString("latin1").trim();
    if (/^--+\S/.test(line)) this.#boundary = Buffer.from(line.replace(/^-+/, ""), "latin1");
    else this.#drop(end + 1);
    return true;
  }

  #readHeader(parts: Part[]): boolean {
    const view = this.#view();
    const end = /^\r?\n|\r?\n\r?\n/.exec(view.subarray(0, maxHeaderBytes).toString("latin1"));
    if (end === null) {
      if (this.#filled < maxHeaderBytes) return false;
      parts.push({ kind: "broken", why: `a part's header of more than ${maxHeaderBytes} bytes` });
      this.#go("boundary");
      return true;
    }
    const header = view.subarray(0, end.index).toString("latin1");
    this.#drop(end.index + end[0].length);
    const length = /^content-length\s*:\s*(\d{1,12})\s*$/im.exec(header)?.[1];
    this.#wanted = Number(length ?? 0);
    if (this.#wanted > this.#maxPartBytes) {
      parts.push({ kind: "broken", why: `a part of ${this.#wanted} bytes, at most ${this.#maxPartBytes}` });
      this.#go("boundary");
    } else this.#go(this.#wanted > 0 ? "counted" : "until-boundary");
    return true;
  }

  #readUntilBoundary(parts: Part[]): boolean {
    const boundary = this.#boundary ?? Buffer.alloc(0);
    const view = this.#view();
    const at = view.indexOf(boundary, Math.max(0, this.#searched - boundary.length));
    if (at < 0) {
      this.#searched = this.#filled;
      if (this.#filled <= this.#maxPartBytes) return false;
      parts.push({ kind: "broken", why: `a part without end, at most ${this.#maxPartBytes} bytes` });
      this.#go("boundary");
      return true;
    }
    let end = at;
    while (view[end - 1] === 45) end -= 1; // the dashes before it
    if (view[end - 1] === lineFeed) end -= 1;
    if (view[end - 1] === 13) end -= 1;
    const data = Buffer.from(view.subarray(0, Math.max(0, end)));
    parts.push(data.length === 0 ? { kind: "broken", why: "an empty part" } : { kind: "part", data });
    this.#drop(at);
    this.#go("boundary");
    return true;
  }

  #go(state: "boundary" | "header" | "counted" | "until-boundary"): void {
    this.#state = state;
    this.#searched = 0;
  }

  #append(chunk: Uint8Array): void {
    if (this.#filled + chunk.length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#buffer.length, this.#filled + chunk.length));
      this.#view().copy(larger);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#filled);
    this.#filled += chunk.length;
  }

  #view(): Buffer {
    return this.#buffer.subarray(0, this.#filled);
  }

  #take(count: number): Buffer {
    const data = Buffer.from(this.#buffer.subarray(0, count));
    this.#drop(count);
    return data;
  }

  #drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#filled);
    this.#filled -= count;
    this.#searched = 0;
  }
}
