import { dirname, join } from "node:path";

import type { JournalItem } from "@frostlight/contract";

import { epochName } from "./epoch.ts";
import { type JournalFiles, writeAtomic } from "./files.ts";
import type { Positions } from "./positions.ts";
import type { RawWindows } from "./raw-windows.ts";
import type { Recovered } from "./recovery.ts";
import { Repacker } from "./repacker.ts";
import { SegmentStore } from "./segment-store.ts";

/** Name of the file that says that an epoch ended and that what the server lacks of it is to be moved. */
export const formerPositionsName = "positions.json";

/** An epoch that ended before the server had all of it. */
export interface FormerEpoch {
  readonly epoch: string;
  readonly folder: string;
  readonly recovered: Recovered;
}

/** Ends an epoch: from now on its folder says so itself. */
export async function endEpoch(
  files: JournalFiles,
  folder: string,
  epoch: string,
  positions: Positions | undefined,
): Promise<void> {
  const known = positions ?? { epoch, highestSequence: 0, highestHash: "0".repeat(64), released: [] };
  await writeAtomic(files, join(folder, epoch, formerPositionsName), JSON.stringify({ version: 1, ...known }));
}

/** Epochs in the folder that ended, other than the current one. */
export async function endedEpochs(files: JournalFiles, folder: string, current: string): Promise<string[]> {
  const ended: string[] = [];
  for (const name of (await files.readdir(folder)).filter((one) => epochName.test(one) && one !== current)) {
    if ((await files.readdir(join(folder, name))).includes(formerPositionsName)) ended.push(name);
  }
  return ended.toSorted();
}

/**
 * Appends what the server lacks of an ended epoch to the journal, then deletes it. Cut off in between, it goes on at the
 * next start; what was moved just before may be moved twice, which the server sees by the items' own ids and times.
 */
export async function moveEpoch(
  former: FormerEpoch,
  parts: {
    readonly files: JournalFiles;
    readonly windows: RawWindows;
    readonly append: (items: readonly JournalItem[]) => Promise<void>;
    readonly isStopping: () => boolean;
  },
): Promise<void> {
  const { epoch, folder, recovered } = former;
  const { files } = parts;
  const { settled, lastSequence, segments } = recovered;
  const store = new SegmentStore(files, folder, segments, Number.MAX_SAFE_INTEGER);
  try {
    const sequences: number[] = [];
    for (let next = settled.nextMissing(1); next <= lastSequence; next = settled.nextMissing(next + 1)) {
      sequences.push(next);
    }
    const read = async (sequence: number): Promise<Uint8Array | undefined> => {
      const outcome = await store.read(sequence);
      return outcome.kind === "ok" ? outcome.payload : undefined;
    };
    for await (const unit of new Repacker("moved", epoch, parts.windows).repack(sequences, read)) {
      if (parts.isStopping()) return;
      await parts.append(unit.items);
      for (const sequence of unit.sequences) settled.add(sequence);
      const positions = { highestSequence: lastSequence, highestHash: recovered.lastHash, released: settled.ranges() };
      await endEpoch(files, dirname(folder), epoch, { epoch, ...positions });
    }
  } finally {
    await store.close();
  }
  for (const segment of segments) await files.unlink(segment.path);
  await files.unlink(join(folder, formerPositionsName));
  await files.syncFolder(folder);
}
