import { copyFile, type FileHandle, open, readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";

import {
  type CancelTimer,
  type Clock,
  errorCode,
  FrostlightError,
  isFrostlightError,
  writeFileAtomic,
} from "@frostlight/kernel";
import { z } from "zod";

/** One change of what the broker keeps for its subscribers. Short keys: there is one line per change. */
const sessionChange = z.discriminatedUnion("k", [
  /** The message kept for a topic (`p`: payload, base64). */
  z.object({ k: z.literal("retain"), t: z.string(), q: z.int().min(0).max(2), p: z.base64() }),
  z.object({ k: z.literal("unretain"), t: z.string() }),
  /** A session's owner and one subscription. */
  z.object({ k: z.literal("sub"), c: z.string(), o: z.string(), t: z.string(), q: z.int().min(0).max(2) }),
  z.object({ k: z.literal("unsub"), c: z.string(), t: z.string() }),
  /** When its client was last here, Unix ms. */
  z.object({ k: z.literal("seen"), c: z.string(), at: z.number() }),
  z.object({ k: z.literal("end"), c: z.string() }),
  /** A message for a session (`n`: its number), the packet id it went out with, its PUBREL, its end. */
  z.object({
    k: z.literal("queue"),
    c: z.string(),
    n: z.int(),
    t: z.string(),
    q: z.int().min(1).max(2),
    p: z.base64(),
  }),
  z.object({ k: z.literal("sent"), c: z.string(), n: z.int(), m: z.int() }),
  z.object({ k: z.literal("release"), c: z.string(), m: z.int() }),
  z.object({ k: z.literal("done"), c: z.string(), m: z.int() }),
]);
export type SessionChange = z.infer<typeof sessionChange>;

/** What was not worth an fsync of its own is on the disk after this long. */
const lazySyncMs = 5_000;
const minRewriteBytes = 1_048_576;

/** What a log was found to hold. */
export interface LoadedLog {
  readonly changes: readonly SessionChange[];
  /** Lines that were damaged, other than a torn last one; the file as found was kept beside. */
  readonly damagedLines: number;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * An append-only file of changes, one line each with its CRC: `<8 hex> <json>\n`. What is written survives the death of the
 * process; what was asked to be synced, a power cut as well. Rewritten when it has doubled; a write that failed is followed
 * by a rewrite, never by an append to a torn line.
 */
export class SessionLog {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #snapshot: () => Iterable<SessionChange>;
  #handle: FileHandle | undefined;
  #lines: string[] = [];
  #waiting: Waiting[] = [];
  #wantsSync = false;
  #isDirty = false;
  #mustRewrite = true;
  #sizeBytes = 0;
  #rewrittenBytes = 0;
  #writing: Promise<void> | undefined;
  #cancelSync: CancelTimer | undefined;

  /** @param snapshot all there is now, as changes from nothing */
  constructor(file: string, clock: Clock, snapshot: () => Iterable<SessionChange>) {
    this.#file = file;
    this.#clock = clock;
    this.#snapshot = snapshot;
  }

  /** Reads what is there. A damaged file is copied aside; its good lines count. Throws `state/unreadable`. */
  async load(): Promise<LoadedLog> {
    let text: string;
    try {
      text = await readFile(this.#file, "utf8");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return { changes: [], damagedLines: 0 };
      throw new FrostlightError("state/unreadable", "resource", `cannot read ${this.#file}`, { cause: error });
    }
    const lines = text.split("\n");
    lines.pop(); // nothing, or the torn end of a line that nobody was told is safe
    const changes: SessionChange[] = [];
    for (const line of lines) {
      const change = parseLine(line);
      if (change !== undefined) changes.push(change);
    }
    const damagedLines = lines.length - changes.length;
    if (damagedLines > 0) await copyFile(this.#file, `${this.#file}.corrupt-${Math.round(this.#clock.nowMs())}`);
    return { changes, damagedLines };
  }

  /** Resolves once the change is written, with `isSynced` once it is on the disk. Rejects when it could not be written. */
  append(change: SessionChange, isSynced: boolean): Promise<void> {
    this.#lines.push(formatLine(change));
    this.#wantsSync ||= isSynced;
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    this.#writing ??= this.#write();
    return written;
  }

  /** Waits for what is under way, syncs and closes. */
  async close(): Promise<void> {
    await this.#writing;
    this.#cancelSync?.();
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    if (this.#isDirty) await handle.datasync().catch(() => undefined); // closing after a disk that fails: told already
    await handle.close();
  }

  async #write(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve); // what one turn brings is written in one go
    });
    while (this.#lines.length > 0) {
      const [lines, waiting, wantsSync] = [this.#lines, this.#waiting, this.#wantsSync];
      this.#lines = [];
      this.#waiting = [];
      this.#wantsSync = false;
      try {
        await this.#writeLines(lines, wantsSync);
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        this.#mustRewrite = true;
        const told = isFrostlightError(error)
          ? error
          : new FrostlightError("state/not-written", "resource", `cannot write ${this.#file}`, { cause: error });
        for (const { reject } of waiting) reject(told);
      }
    }
    this.#writing = undefined;
  }

  async #writeLines(lines: readonly string[], wantsSync: boolean): Promise<void> {
    const hasDoubled = this.#sizeBytes > Math.max(minRewriteBytes, 2 * this.#rewrittenBytes);
    if (this.#mustRewrite || hasDoubled) {
      await this.#rewrite(); // holds these changes too: the state was changed before they were logged
      return;
    }
    const data = Buffer.from(lines.join(""));
    await this.#handle?.appendFile(data);
    this.#sizeBytes += data.byteLength;
    this.#isDirty = true;
    if (wantsSync) await this.#sync();
    else this.#syncLater();
  }

  async #sync(): Promise<void> {
    this.#cancelSync?.();
    this.#cancelSync = undefined;
    await this.#handle?.datasync();
    this.#isDirty = false;
  }

  #syncLater(): void {
    this.#cancelSync ??= this.#clock.after(lazySyncMs, () => {
      this.#cancelSync = undefined;
      if (!this.#isDirty) return;
      this.#handle?.datasync().catch(() => {
        this.#mustRewrite = true; // the next change writes all of it again
      });
    });
  }

  async #rewrite(): Promise<void> {
    const data = Buffer.from([...this.#snapshot()].map(formatLine).join(""));
    await this.#handle?.close();
    this.#handle = undefined;
    await writeFileAtomic(this.#file, data, 0o600);
    this.#handle = await open(this.#file, "a", 0o600);
    this.#sizeBytes = data.byteLength;
    this.#rewrittenBytes = data.byteLength;
    this.#isDirty = false;
    this.#mustRewrite = false;
  }
}

function formatLine(change: SessionChange): string {
  const json = JSON.stringify(change);
  return `${checksum(json)} ${json}\n`;
}

function parseLine(line: string): SessionChange | undefined {
  const json = line.slice(9);
  if (line.slice(0, 9) !== `${checksum(json)} `) return undefined;
  const parsed = sessionChange.safeParse(JSON.parse(json)); // the checksum says that we wrote it
  return parsed.success ? parsed.data : undefined;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, "0");
}
