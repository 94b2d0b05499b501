import { join } from "node:path";

import type { HealthEvent, JournalItem, SigningKey } from "@frostlight/contract";
import { type Clock, describeError, isFrostlightError, type Logger, type Random } from "@frostlight/kernel";

import { beginEpoch, chooseEpoch, nameEpoch } from "./epoch.ts";
import { FileJournal, type Journal } from "./file-journal.ts";
import { diskFiles, type JournalFiles } from "./files.ts";
import { endedEpochs, endEpoch, type FormerEpoch, formerPositionsName } from "./former-epochs.ts";
import type { JournalOptions } from "./options.ts";
import { type Positions, readPositions } from "./positions.ts";
import { Quarantine } from "./quarantine.ts";
import { Recovery } from "./recovery.ts";
import { journalHealth } from "./reports.ts";
import { toldToEnd } from "./server-word.ts";
import { oldCopy, readWitness } from "./witness.ts";

/**
 * Opens the journal in `folder`, whatever a crash left there. Damage never stops the start: what is whole is kept, the
 * rest is quarantined and told in the first batch. Only a folder that cannot be read or written at all is an error.
 */
export async function openJournal(parts: JournalOpening): Promise<Journal> {
  const files = parts.files ?? diskFiles;
  await files.mkdir(parts.folder);
  const unlock = await files.lock(parts.folder);
  try {
    return await openLocked(parts, files, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** What a journal needs to be opened. */
interface JournalOpening {
  readonly folder: string;
  /** The disk; another only in tests. */
  readonly files?: JournalFiles;
  /** A file outside `folder`, so that a copy of the folder put back is known as one. */
  readonly witnessPath?: string;
  readonly gatewayId: string;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** One life of the process; goes with every clock reading. */
  readonly bootId: string;
  readonly isClockSynchronised: () => boolean;
  readonly options: JournalOptions;
  /** Told about once a minute how the journal's room stands. */
  readonly onSpace?: (event: HealthEvent) => void;
}

async function openLocked(parts: JournalOpening, files: JournalFiles, unlock: () => Promise<void>): Promise<Journal> {
  const { folder, gatewayId, signingKey, clock, logger } = parts;
  const witnessPath = parts.witnessPath ?? `${folder}-witness.json`;
  const quarantine = await Quarantine.open(files, join(folder, "quarantine"), logger, parts.options.quarantineMaxBytes);
  const positionsPath = join(folder, "positions.json");
  const reports: JournalItem[] = [];
  const report = (code: string, reason: string): void => {
    logger.warn(code, { folder, reason });
    reports.push(journalHealth("repaired", code, clock.nowMs(), { reason }));
  };
  const positions = await positionsOrNothing(files, positionsPath, report);
  const recover = async (epoch: string, found: Positions | undefined) => {
    const known = found?.epoch === epoch ? found : undefined;
    return new Recovery(
      { files, folder: join(folder, epoch), epoch, gatewayId, signingKey, quarantine, clock },
      known,
    ).run();
  };

  const choice = await chooseEpoch(files, folder, gatewayId);
  const witness = await readWitness(files, witnessPath, logger);
  const generation = Math.max(choice.kind === "known" ? choice.generation : 0, witness?.generation ?? 0) + 1;
  let epoch = choice.kind === "none" ? undefined : choice.epoch;
  let recovered = epoch === undefined ? undefined : await recover(epoch, positions);
  if (choice.kind === "none") {
    const problem = choice.problem === "" && witness !== undefined ? "the folder is empty" : choice.problem;
    if (problem !== "") report("journal-lost", problem);
  }
  if (epoch !== undefined && recovered !== undefined && recovered.lastSequence === 0) {
    // Nothing of that life is left to go on with, so a new one begins: sequences are never used twice.
    if (recovered.nextSequence > 1) report("journal-lost", `nothing readable is left of epoch ${epoch}`);
    reports.push(...recovered.reports);
    epoch = undefined;
  }
  if (epoch !== undefined && recovered !== undefined && choice.kind === "known") {
    const age = { epoch, generation: choice.generation, highestSequence: recovered.nextSequence - 1 };
    const why = oldCopy(age, witness) ?? (await toldToEnd(files, folder, epoch));
    if (why !== undefined) {
      // Its numbers were used before, for something else: what the server lacks goes into the new epoch.
      report("journal-copied-back", why);
      await endEpoch(files, folder, epoch, positions?.epoch === epoch ? positions : undefined);
      epoch = undefined;
    }
  }
  if (epoch === undefined || recovered === undefined) {
    epoch = await beginEpoch(files, folder, gatewayId, parts.random, generation);
    recovered = await recover(epoch, undefined);
  } else {
    if (choice.kind === "guess") report("journal-adopted", choice.problem);
    await nameEpoch(files, folder, gatewayId, epoch, generation);
  }
  const former: FormerEpoch[] = [];
  for (const ended of await endedEpochs(files, folder, epoch)) {
    const known = await positionsOrNothing(files, join(folder, ended, formerPositionsName), report);
    former.push({ epoch: ended, folder: join(folder, ended), recovered: await recover(ended, known) });
  }
  const journal = new FileJournal(
    {
      ...parts,
      files,
      witnessPath,
      home: folder,
      folder: join(folder, epoch),
      positionsPath,
      epoch,
      generation,
      quarantine,
      unlock,
    },
    recovered,
    reports,
  );
  await journal.begin(recovered.canResume, former);
  return journal;
}

async function positionsOrNothing(
  files: JournalFiles,
  path: string,
  report: (code: string, reason: string) => void,
): Promise<Positions | undefined> {
  try {
    return await readPositions(files, path);
  } catch (error) {
    if (!isFrostlightError(error, "state/corrupt")) throw error;
    report("journal-positions-damaged", describeError(error));
    return undefined;
  }
}
