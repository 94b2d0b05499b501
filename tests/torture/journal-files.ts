import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type Batch, decodeBatch, decodeSealed } from "@frostlight/contract";
import { z } from "zod";

import { headerBytes } from "../../gateway/src/journal/record.ts";
import { scanSegment } from "../../gateway/src/journal/scan.ts";

/** A whole record on the gateway's disk. */
export interface JournalRecord {
  readonly epoch: string;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly sequence: number;
  readonly batch: Batch;
}

/** The epoch the journal is in; empty when there is none. */
export function journalEpoch(folder: string): string {
  const file = join(folder, "journal.json");
  if (!existsSync(file)) return "";
  return z.object({ epoch: z.string() }).parse(JSON.parse(readFileSync(file, "utf8"))).epoch;
}

/** Segment files of an epoch, oldest first. */
export function segmentsOf(folder: string, epoch: string): readonly string[] {
  const epochFolder = join(folder, epoch);
  if (epoch === "" || !existsSync(epochFolder)) return [];
  const names = readdirSync(epochFolder).filter((name) => name.endsWith(".seg"));
  return names.toSorted().map((name) => join(epochFolder, name));
}

/** Whole records of segment files, as a reader of the black box would find them. */
export function recordsOf(epoch: string, paths: readonly string[]): readonly JournalRecord[] {
  return paths.flatMap((path) =>
    scanSegment(readFileSync(path)).records.flatMap(({ sequence, offset, payload }) => {
      const sealed = decodeSealed(payload);
      const batch = sealed.kind === "ok" ? decodeBatch(sealed.value.body) : sealed;
      if (batch.kind !== "ok") return [];
      return [{ epoch, path, offset, length: headerBytes + payload.length, sequence, batch: batch.value }];
    }),
  );
}

/** Names of the epochs that have a folder. */
export function epochsOf(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => /^[0-9a-f]{16}$/.test(name));
}

/** Pieces of damage the gateway said it quarantined; its folder of them goes with a journal that is taken away. */
export function quarantinedPieces(logFile: string): number {
  if (!existsSync(logFile)) return 0;
  return readFileSync(logFile, "utf8").split('"msg":"journal-bytes-quarantined"').length - 1;
}
