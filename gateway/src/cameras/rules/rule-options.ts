import type { Priority } from "@frostlight/contract";
import { isWithin, type ScheduleEntry, scheduleEntry } from "@frostlight/kernel";
import { z } from "zod";

import { contains, polygon } from "../polygon.ts";
import type { Region } from "./camera-rule.ts";

/** What a kind of rule starts with where the configuration says nothing. */
interface RuleDefaults {
  readonly severity: Priority;
  readonly k?: number;
  readonly n?: number;
  readonly forSeconds?: number;
  readonly realarmMinutes?: number;
  readonly minWidth: number;
  readonly minHeight: number;
}

const outlines = z.array(polygon).min(1).max(16);

/** When, where, how large, how long, how often: the options every rule has. */
export function ruleOptions(defaults: RuleDefaults) {
  return {
    /** Hours of the site's time zone in which the rule looks; left out: always. */
    when: z.array(scheduleEntry).min(1).optional(),
    /** One outline; the same as `include` with one. */
    polygon: polygon.optional(),
    /** The parts of the picture that count; left out: all of it. */
    include: outlines.optional(),
    /** Parts that do not count: a mirror, a poster, the street behind a window. */
    exclude: outlines.optional(),
    /** Smaller boxes (pixels of the frame) are too far away to judge. */
    minWidth: z.int().min(1).max(4_096).default(defaults.minWidth),
    minHeight: z.int().min(1).max(4_096).default(defaults.minHeight),
    /** It must have lasted so long … */
    forSeconds: z
      .number()
      .min(0)
      .max(86_400)
      .default(defaults.forSeconds ?? 0),
    /** … and been seen in `k` of the last `n` looks. */
    k: z
      .int()
      .min(1)
      .max(30)
      .default(defaults.k ?? 3),
    n: z
      .int()
      .min(1)
      .max(30)
      .default(defaults.n ?? 5),
    /** The next finding of this rule comes at the earliest so long after the last one (5 s at least). */
    realarmMinutes: z
      .number()
      .min(0)
      .max(1_440)
      .default(defaults.realarmMinutes ?? 30),
    severity: z.enum(["warning", "high", "critical"]).default(defaults.severity),
  };
}

type Times = { readonly when?: readonly ScheduleEntry[] | undefined };
type Places = {
  readonly polygon?: z.output<typeof polygon> | undefined;
  readonly include?: z.output<typeof outlines> | undefined;
  readonly exclude?: z.output<typeof outlines> | undefined;
};
type Sizes = { readonly minWidth: number; readonly minHeight: number };

export function isOnDuty({ when }: Times, timeZone: string, timeMs: number): boolean {
  return when === undefined || isWithin(when, timeZone, timeMs);
}

/** Whether a point counts. */
export function isInPlace({ polygon: outline, include = [], exclude = [] }: Places, x: number, y: number): boolean {
  const wanted = outline === undefined ? include : [outline, ...include];
  if (exclude.some((corners) => contains(corners, x, y))) return false;
  return wanted.length === 0 || wanted.some((corners) => contains(corners, x, y));
}

export function isLargeEnough(
  { minWidth, minHeight }: Sizes,
  box: Region,
  picture: { readonly width: number; readonly height: number },
): boolean {
  return (box.right - box.left) * picture.width >= minWidth && (box.bottom - box.top) * picture.height >= minHeight;
}
