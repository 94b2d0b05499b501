import { type LimitBand } from "@frostlight/contract";
import { FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

import data from "./profiles.json" with { type: "json" };

/** A: the text itself was read · B: a secondary source quotes it · C: generally known or our own choice, not read. */
const confidence = z.enum(["A", "B", "C"]);

const provenance = {
  source: z.string().min(1),
  /** Clause of the source, when known. */
  clause: z.string().min(1).nullable(),
  /** What the source asks for, in short. */
  basis: z.string().min(1),
  /** ISO 3166 code, "international", or "none" for what is no rule of any authority. */
  jurisdiction: z.string().min(1),
  confidence,
};

const limitFigure = z.strictObject({ celsius: z.number().min(-273.15).max(1000), ...provenance });
const duration = z.strictObject({ seconds: z.int().min(0), ...provenance });

const limitNames = ["low", "high", "criticalLow", "criticalHigh"] as const;
export type LimitName = (typeof limitNames)[number];

const timingSchema = z.strictObject({
  deadband: z.strictObject({ celsius: z.number().min(0), ...provenance }),
  warningOnDelay: duration,
  highOnDelay: duration,
  criticalHighOnDelay: duration,
  criticalLowOnDelay: duration,
  offDelay: duration,
  limitCountsAsBreach: z.strictObject({ holds: z.boolean(), ...provenance }),
  noDataAfter: duration,
  noDataIntervals: z.strictObject({ count: z.int().min(1), ...provenance }),
  noDataHighAfter: duration,
  /** In which the goods cover 63 % of a step of the air's temperature. */
  productTimeConstant: duration,
});
export type ProfileTiming = z.output<typeof timingSchema>;

/** A kind of room: its limits of air temperature, each with where it comes from, and the timing of its alarm rules. */
export const profileSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  name: z.strictObject({ zh: z.string().min(1), en: z.string().min(1) }),
  note: z.strictObject({ zh: z.string(), en: z.string() }),
  limits: z.strictObject({
    low: limitFigure.nullable(),
    high: limitFigure.nullable(),
    criticalLow: limitFigure.nullable(),
    criticalHigh: limitFigure.nullable(),
  }),
  timing: timingSchema,
});
export type Profile = z.output<typeof profileSchema>;

const fileSchema = z.strictObject({
  timings: z.record(z.string(), z.unknown()),
  profiles: z.array(z.looseObject({ timing: z.string() })),
});

/** The profiles shipped with the product, in the order people should see them. */
export const profiles: readonly Profile[] = readProfiles(data);

/** Parses the shipped form, where profiles name a shared timing. Throws `profiles/invalid`. */
export function readProfiles(input: unknown): readonly Profile[] {
  const file = fileSchema.safeParse(input);
  const parsed = file.success
    ? z
        .array(profileSchema)
        .safeParse(file.data.profiles.map((profile) => ({ ...profile, timing: file.data.timings[profile.timing] })))
    : file;
  if (!parsed.success) {
    throw new FrostlightError("profiles/invalid", "bug", "the zone profiles cannot be read", { cause: parsed.error });
  }
  return parsed.data;
}

export function profileById(id: string): Profile | undefined {
  return profiles.find((profile) => profile.id === id);
}

/** The bare numbers of a profile, in °C. */
export function limitsOf(profile: Profile): LimitBand {
  const { low, high, criticalLow, criticalHigh } = profile.limits;
  return {
    low: low?.celsius ?? null,
    high: high?.celsius ?? null,
    criticalLow: criticalLow?.celsius ?? null,
    criticalHigh: criticalHigh?.celsius ?? null,
  };
}

/** HH, H, L, LL: the same in every language. */
const limitSymbols = { low: "L", high: "H", criticalLow: "LL", criticalHigh: "HH" } as const satisfies Record<
  LimitName,
  string
>;

/** Where one limit comes from, e.g. `GB/T 24616 (CN, B)`; undefined when there is no such limit. */
export function describeLimitSource(profile: Profile, name: LimitName): string | undefined {
  const figure = profile.limits[name];
  if (figure === null) return undefined;
  const clause = figure.clause === null ? "" : ` ${figure.clause}`;
  const confidenceText = figure.confidence === "C" ? "C: 原文未核 / text not read" : figure.confidence;
  return `${figure.source}${clause} (${figure.jurisdiction}, ${confidenceText})`;
}

/**
 * Where all limits of a profile come from, in one line that needs no translation. Never claims compliance: it names the source, its
 * jurisdiction and how well the text is known.
 */
export function describeLimitsSource(profile: Profile): string {
  const parts = limitNames.flatMap((name) => {
    const source = describeLimitSource(profile, name);
    return source === undefined ? [] : [`${limitSymbols[name]} ${profile.limits[name]?.celsius ?? ""} °C: ${source}`];
  });
  return parts.length === 0 ? `${profile.id}: –` : `${profile.id}: ${parts.join(" · ")}`;
}
