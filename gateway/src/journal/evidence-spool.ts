import { mkdir, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

import { contractLimits, type EvidenceReference, type EvidenceRole, sha256Hex } from "@frostlight/contract";
import {
  type Clock,
  describeError,
  errorCode,
  FrostlightError,
  type Logger,
  writeFileAtomic,
} from "@frostlight/kernel";

import type { EvidenceSpool } from "../core/journal.ts";
import type { JournalOptions } from "./options.ts";

/** pending: to be uploaded · uploaded: kept while space allows · refused: the server will not have it · damaged: bytes changed. */
type Shelf = "pending" | "uploaded" | "refused" | "damaged";

interface Entry {
  readonly sha256: string;
  readonly role: EvidenceRole;
  readonly mediaType: string;
  readonly sizeBytes: number;
  shelf: Shelf;
}

/** Opens the folder of evidence files. Everything is in a file's name and its shelf (a folder), so there is no index to lose. */
export async function openEvidenceSpool(parts: {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: Pick<JournalOptions, "evidenceMaxBytes">;
}): Promise<EvidenceSpool & { pendingCount(): number }> {
  const entries: (Entry & { readonly timeMs: number })[] = [];
  for (const shelf of ["pending", "uploaded", "refused", "damaged"] as const) {
    const folder = join(parts.folder, shelf);
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      const parsed = parseName(name);
      if (parsed === undefined) {
        if (name.endsWith(".tmp")) await unlink(join(folder, name));
        continue;
      }
      const { size, mtimeMs } = await stat(join(folder, name));
      entries.push({ ...parsed, shelf, sizeBytes: size, timeMs: mtimeMs });
    }
  }
  entries.sort((a, b) => a.timeMs - b.timeMs);
  return new FileEvidenceSpool(parts.folder, parts.logger, parts.options.evidenceMaxBytes, entries);
}

class FileEvidenceSpool implements EvidenceSpool {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #maxBytes: number;
  /** By hash, oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #writing = new Map<string, Promise<EvidenceReference>>();
  readonly #listeners = new Set<(sha256: string) => void>();
  #bytes = 0;

  constructor(folder: string, logger: Logger, maxBytes: number, entries: readonly Entry[]) {
    this.#folder = folder;
    this.#logger = logger;
    this.#maxBytes = maxBytes;
    for (const entry of entries) this.#add(entry);
  }

  put(data: Uint8Array, mediaType: string, role: EvidenceRole): Promise<EvidenceReference> {
    const sha256 = sha256Hex(data);
    const running = this.#writing.get(sha256);
    if (running !== undefined) return running;
    const writing = this.#put({ sha256, role, mediaType, sizeBytes: data.length, shelf: "pending" }, data).finally(
      () => {
        this.#writing.delete(sha256);
      },
    );
    this.#writing.set(sha256, writing);
    return writing;
  }

  async read(sha256: string): Promise<{ readonly data: Uint8Array; readonly mediaType: string } | undefined> {
    const entry = this.#entries.get(sha256);
    if (entry === undefined || entry.shelf === "damaged") return undefined;
    let data: Uint8Array;
    try {
      data = await readFile(this.#path(entry));
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
      this.#logger.error("evidence-missing", { sha256 });
      this.#forget(entry);
      return undefined;
    }
    if (sha256Hex(data) === sha256) return { data, mediaType: entry.mediaType };
    this.#logger.error("evidence-damaged", { sha256 });
    await this.#move(entry, "damaged");
    return undefined;
  }

  pending(): Promise<readonly string[]> {
    return Promise.resolve([...this.#entries.values()].filter(isPending).map(({ sha256 }) => sha256));
  }

  pendingCount(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (isPending(entry)) count += 1;
    return count;
  }

  async markUploaded(sha256: string): Promise<void> {
    const entry = this.#entries.get(sha256);
    if (entry?.shelf === "pending") await this.#move(entry, "uploaded");
  }

  async setAside(sha256: string, reason: string): Promise<void> {
    const entry = this.#entries.get(sha256);
    if (entry?.shelf !== "pending") return;
    this.#logger.warn("evidence-set-aside", { sha256, reason });
    await this.#move(entry, "refused");
  }

  onPut(listener: (sha256: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async #put(entry: Entry, data: Uint8Array): Promise<EvidenceReference> {
    const { sha256, role, mediaType, sizeBytes } = entry;
    if (sizeBytes > contractLimits.evidenceBytes) {
      const message = `evidence of ${sizeBytes} bytes, at most ${contractLimits.evidenceBytes} allowed`;
      throw new FrostlightError("evidence/too-large", "data", message);
    }
    if (!/^[a-z]+\/[a-z0-9.-]+(?:\+[a-z0-9.-]+)*$/.test(mediaType)) {
      throw new FrostlightError("evidence/media-type", "bug", `"${mediaType}" is no media type`);
    }
    const known = this.#entries.get(sha256);
    if (known !== undefined && (known.shelf === "pending" || known.shelf === "uploaded")) {
      return { sha256, mediaType: known.mediaType, sizeBytes, role: known.role };
    }
    await this.#makeRoom(sizeBytes);
    try {
      await writeFileAtomic(this.#path(entry), data, 0o600);
    } catch (cause) {
      throw new FrostlightError("evidence/write-failed", "resource", `cannot write evidence ${sha256}`, { cause });
    }
    this.#add(entry);
    for (const listener of this.#listeners) {
      try {
        listener(sha256);
      } catch (error) {
        this.#logger.error("evidence-listener-failed", { error: describeError(error) });
      }
    }
    return { sha256, mediaType, sizeBytes, role };
  }

  /** Deletes oldest files the server has, then those it refused. What it has yet to get is never deleted. */
  async #makeRoom(sizeBytes: number): Promise<void> {
    for (const shelf of ["uploaded", "damaged", "refused"] as const) {
      for (const entry of [...this.#entries.values()].filter((candidate) => candidate.shelf === shelf)) {
        if (this.#bytes + sizeBytes <= this.#maxBytes) return;
        await unlink(this.#path(entry));
        this.#forget(entry);
      }
    }
    if (this.#bytes + sizeBytes <= this.#maxBytes) return;
    const message = `${this.#bytes} bytes of evidence wait for the server, at most ${this.#maxBytes} are kept`;
    throw new FrostlightError("evidence/full", "resource", message);
  }

  async #move(entry: Entry, shelf: Shelf): Promise<void> {
    const from = this.#path(entry);
    await rename(from, this.#path({ ...entry, shelf }));
    entry.shelf = shelf;
  }

  #add(entry: Entry): void {
    const replaced = this.#entries.get(entry.sha256);
    if (replaced !== undefined) this.#forget(replaced);
    this.#entries.set(entry.sha256, entry);
    this.#bytes += entry.sizeBytes;
  }

  #forget(entry: Entry): void {
    if (this.#entries.delete(entry.sha256)) this.#bytes -= entry.sizeBytes;
  }

  #path(entry: Entry): string {
    return join(this.#folder, entry.shelf, `${entry.sha256}~${entry.role}~${encodeURIComponent(entry.mediaType)}`);
  }
}

function isPending(entry: Entry): boolean {
  return entry.shelf === "pending";
}

const evidenceRoles: ReadonlySet<string | undefined> = new Set<EvidenceRole>([
  "picture",
  "original",
  "heat-map",
  "clip",
  "before",
  "after",
]);

function isRole(text: string | undefined): text is EvidenceRole {
  return evidenceRoles.has(text);
}

function parseName(name: string): Pick<Entry, "sha256" | "role" | "mediaType"> | undefined {
  const match = /^([0-9a-f]{64})~([a-z-]+)~([a-z]+%2F[a-z0-9.-]+(?:%2B[a-z0-9.-]+)*)$/.exec(name);
  const [, sha256, role, mediaType] = match ?? [];
  if (sha256 === undefined || mediaType === undefined) return undefined;
  if (!isRole(role)) return undefined;
  return { sha256, role, mediaType: decodeURIComponent(mediaType) };
}
