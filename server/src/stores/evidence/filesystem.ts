import { createHash } from "node:crypto";
import { access, type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { errorCode, FrostlightError, isFrostlightError, type Random, syncFolder } from "@frostlight/kernel";

import type { EvidenceStore, PutResult } from "../../core/evidence.ts";

/** Bytes by which a media type is recognised. */
const headBytes = 16;

/**
 * One file per hash in two levels of folders, `ab/cd/abcd…`. A file appears under its name only when it is complete and
 * on disk, so what is there is whole; reading checks the hash again.
 */
export async function openFilesystemEvidence(folder: string, random: Random): Promise<EvidenceStore> {
  const incoming = join(folder, "incoming");
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true });
  await syncFolder(folder);
  return new FilesystemEvidence(folder, incoming, random);
}

class FilesystemEvidence implements EvidenceStore {
  readonly #folder: string;
  readonly #incoming: string;
  readonly #random: Random;

  constructor(folder: string, incoming: string, random: Random) {
    this.#folder = folder;
    this.#incoming = incoming;
    this.#random = random;
  }

  async read(sha256: string): Promise<Uint8Array | undefined> {
    if (!isHash(sha256)) return undefined;
    let content: Uint8Array;
    try {
      content = await readFile(this.#path(sha256));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw unavailable(`cannot read evidence ${sha256}`, error);
    }
    if (createHash("sha256").update(content).digest("hex") !== sha256) {
      throw new FrostlightError("evidence/corrupt", "data", `evidence ${sha256} is damaged on disk`);
    }
    return content;
  }

  async put(
    sha256: string,
    content: AsyncIterable<Uint8Array>,
    rules: { readonly limitBytes: number; readonly acceptable: (head: Uint8Array) => boolean },
  ): Promise<PutResult> {
    if (!isHash(sha256)) return { kind: "refused", reason: "hash-mismatch" };
    const temporary = join(this.#incoming, `${this.#random.uuid()}.part`);
    try {
      const received = await receive(temporary, content, rules);
      if (received.kind === "refused") return received;
      if (received.sha256 !== sha256) return { kind: "refused", reason: "hash-mismatch" };
      const { sizeBytes } = received;
      return (await this.#keep(temporary, sha256)) ? { kind: "stored", sizeBytes } : { kind: "known", sizeBytes };
    } catch (error) {
      throw isFrostlightError(error) ? error : unavailable(`cannot store evidence ${sha256}`, error);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** @returns false when the file was there already */
  async #keep(temporary: string, sha256: string): Promise<boolean> {
    const path = this.#path(sha256);
    if (await exists(path)) return false;
    const second = dirname(path);
    const first = dirname(second);
    await mkdir(second, { recursive: true });
    await rename(temporary, path);
    for (const changed of [second, first, this.#folder]) await syncFolder(changed);
    return true;
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  }
}

type Received =
  | { readonly kind: "received"; readonly sha256: string; readonly sizeBytes: number }
  | Extract<PutResult, { kind: "refused" }>;

async function receive(
  path: string,
  content: AsyncIterable<Uint8Array>,
  rules: { readonly limitBytes: number; readonly acceptable: (head: Uint8Array) => boolean },
): Promise<Received> {
  const hash = createHash("sha256");
  const handle: FileHandle = await open(path, "wx", 0o640);
  let head = Buffer.alloc(0);
  let sizeBytes = 0;
  try {
    for await (const chunk of content) {
      sizeBytes += chunk.length;
      if (sizeBytes > rules.limitBytes) return { kind: "refused", reason: "too-large" };
      if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    if (!rules.acceptable(head)) return { kind: "refused", reason: "not-acceptable" };
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { kind: "received", sha256: hash.digest("hex"), sizeBytes };
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

function unavailable(message: string, cause: unknown): FrostlightError {
  return new FrostlightError("evidence/unavailable", "resource", message, { cause });
}
