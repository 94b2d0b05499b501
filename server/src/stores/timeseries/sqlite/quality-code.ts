import type { Quality, Sample } from "@frostlight/contract";

/** Position = code on disk (two bits): never reorder. Codes below 2 are usable values. */
const qualities = ["good", "uncertain", "bad", "stale"] as const satisfies readonly Quality[];

/** Bits of `samples.flags`. */
const flagBits = { quality: 3, sourceTime: 4, backfill: 8, timeCorrected: 16, rawIsValue: 32, rolledUp: 64 } as const;

/** Quality and the sample's yes/no properties in one small integer. `rawIsValue`: `raw` equals `value` and is left out. */
export function flagsOf(sample: Sample): number {
  return (
    qualities.indexOf(sample.quality) |
    (sample.hasSourceTime ? flagBits.sourceTime : 0) |
    (sample.backfill ? flagBits.backfill : 0) |
    (sample.timeCorrected ? flagBits.timeCorrected : 0) |
    (sample.summary?.rolledUp === true ? flagBits.rolledUp : 0) |
    (sample.raw !== null && Object.is(sample.raw, sample.value) ? flagBits.rawIsValue : 0)
  );
}

export function qualityOf(flags: number): Quality {
  return qualities[flags & flagBits.quality] ?? "bad";
}

export function isTimeCorrected(flags: number): boolean {
  return (flags & flagBits.timeCorrected) !== 0;
}

export function isRolledUp(flags: number): boolean {
  return (flags & flagBits.rolledUp) !== 0;
}

export function rawIsValue(flags: number): boolean {
  return (flags & flagBits.rawIsValue) !== 0;
}
