import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  type AlarmEvent,
  type Batch,
  decodeBatch,
  decodeSealed,
  type HealthEvent,
  type JournalItem,
  publicKeyFromRaw,
  sha256Hex,
  signingKeyFromPem,
  verifySealed,
} from "@frostlight/contract";
import { type Clock, type Logger, silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import type { JournalReader } from "../../core/journal.ts";
import { diskFiles, type JournalFiles } from "../files.ts";
import { type Journal, type JournalOptions, journalOptions, openJournal } from "../index.ts";

/** The same key in every process of a test: PKCS #8 around 32 fixed bytes (RFC 8410, 7). */
const testKey = signingKeyFromPem(
  `-----BEGIN PRIVATE KEY-----\n${Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]).toString("base64")}\n-----END PRIVATE KEY-----\n`,
);
const testGateway = `gw-${sha256Hex(testKey.publicKey).slice(0, 16)}`;

/** A journal on a real folder; commits at once unless told otherwise. */
export function openTestJournal(
  folder: string,
  options: Partial<JournalOptions> = {},
  clock: Clock = systemClock,
  logger: Logger = silentLogger,
  files: JournalFiles = diskFiles,
  onSpace: (event: HealthEvent) => void = () => undefined,
): Promise<Journal> {
  return openJournal({
    onSpace,
    folder,
    files,
    gatewayId: testGateway,
    signingKey: testKey,
    clock,
    random: systemRandom,
    logger,
    bootId: "test-boot",
    isClockSynchronised: () => true,
    options: journalOptions.parse({ commitIntervalMs: 0, ...options }),
  });
}

export function sampleItem(n: number, pointId = "room.air"): JournalItem {
  return {
    kind: "sample",
    sample: {
      pointId,
      timeMs: 1_750_000_000_000 + n,
      receivedMs: 1_750_000_000_000 + n,
      value: n,
      raw: n,
      quality: "good",
      reason: null,
      hasSourceTime: false,
      backfill: false,
      timeCorrected: false,
    },
  };
}

export function alarmItem(n: number): JournalItem {
  const event: AlarmEvent = {
    eventId: `event-${n}`,
    alarmId: `alarm-${n}`,
    ruleId: "rule",
    ruleKind: "limit",
    zoneId: "room",
    pointId: "room.air",
    cameraId: null,
    transition: "raised",
    state: "unacknowledged",
    priority: "high",
    timeMs: 1_750_000_000_000 + n,
    onsetTimeMs: 1_750_000_000_000,
    actor: null,
    commandId: null,
    explanation: { code: "limit-high", parameters: { value: n } },
  };
  return { kind: "alarm", event };
}

/** Every readable batch from `from` on, decoded; throws when a signature or a link of the chain is wrong. */
export async function readAll(journal: JournalReader, from = 1): Promise<Batch[]> {
  const batches: Batch[] = [];
  const key = publicKeyFromRaw(testKey.publicKey);
  let previous: { readonly sequence: number; readonly hash: string } | undefined;
  for (let sequence = from; sequence <= journal.lastSequence; sequence += 1) {
    const stored = await journal.read(sequence);
    if (stored === undefined) continue;
    const sealed = decodeSealed(stored.sealed);
    if (sealed.kind === "invalid") throw new Error(`batch ${sequence}: ${sealed.reason}`);
    if (!verifySealed(sealed.value, key)) throw new Error(`batch ${sequence}: wrong signature`);
    const batch = decodeBatch(sealed.value.body);
    if (batch.kind === "invalid") throw new Error(`batch ${sequence}: ${batch.reason}`);
    if (previous?.sequence === sequence - 1 && batch.value.previousHash !== previous.hash) {
      throw new Error(`batch ${sequence} does not follow the one before`);
    }
    if (batch.value.sequence !== sequence) throw new Error(`batch ${sequence} says it is ${batch.value.sequence}`);
    previous = { sequence, hash: sha256Hex(sealed.value.body) };
    batches.push(batch.value);
  }
  return batches;
}

export function sampleValues(batches: readonly Batch[]): number[] {
  return batches.flatMap((batch) => batch.samples.map((sample) => sample.value ?? Number.NaN));
}

/** Temporary folders that go away together. */
export class TemporaryFolders {
  readonly #folders: string[] = [];

  async make(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "frostlight-journal-"));
    this.#folders.push(folder);
    return folder;
  }

  /** What a power cut would leave: the files as they are now. */
  async copyOf(folder: string): Promise<string> {
    const copy = await this.make();
    await cp(folder, copy, { recursive: true });
    return copy;
  }

  async removeAll(): Promise<void> {
    for (const folder of this.#folders.splice(0)) {
      for (const path of [folder, `${folder}-witness.json`]) await rm(path, { recursive: true, force: true });
    }
  }
}
