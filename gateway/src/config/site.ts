import { scheduleEntry } from "@frostlight/kernel";
import { z } from "zod";

import { profiles } from "../alarms/profiles/index.ts";
import { gatewayZoneId } from "../core/site.ts";
import { units } from "../core/units.ts";

/** Names in the journal and in topics: letters, digits, dot, dash, underscore. */
export const identifier = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "expected 1-64 letters, digits, dots, dashes or underscores");

const localisedText = z.strictObject({ zh: z.string().min(1).max(200), en: z.string().min(1).max(200) });

const celsius = z.number().min(-200).max(300).nullable();

/** The site itself. */
export const siteConfig = z.strictObject({
  name: localisedText,
  timeZone: z
    .string()
    .refine(
      (zone) => Intl.supportedValuesOf("timeZone").includes(zone) || zone === "UTC",
      "expected an IANA time zone such as Asia/Shanghai",
    )
    .default("Asia/Shanghai"),
  simulated: z.boolean().default(false),
});

/** A room: limits come from its profile; each may be overridden, null switches it off. */
export const zoneConfig = z.strictObject({
  id: identifier.refine((id) => id !== gatewayZoneId, "stands for the gateway itself: name the room otherwise"),
  name: localisedText,
  profile: z.enum(profiles.map((profile) => profile.id)),
  limits: z
    .strictObject({
      low: celsius.optional(),
      high: celsius.optional(),
      criticalLow: celsius.optional(),
      criticalHigh: celsius.optional(),
      /** Who set them and why; shown with the limits. */
      source: z.string().min(1).max(500),
    })
    .optional(),
  /** What the limits apply to: the air, the estimated temperature of the goods, or whichever is worse. */
  applyTo: z.enum(["air", "product", "both"]).default("air"),
  /** A temperature point of this room whose probe is in the goods: the estimate is fitted to it. */
  goodsProbe: identifier.optional(),
  /** When hot food is held, in the site's time zone: a profile for hot-holding is watched only then. Left out: whenever it is hot. */
  servingHours: z.array(scheduleEntry).min(1).max(100).optional(),
});

const plausible: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  temperature: { min: -90, max: 150 },
  humidity: { min: 0, max: 100 },
  door: { min: 0, max: 1 },
  defrost: { min: 0, max: 1 },
  compressor: { min: 0, max: 1 },
};

/** Physically possible values of a quantity when the configuration does not say. */
export function defaultValidRange(quantity: string): { readonly min: number; readonly max: number } {
  return plausible[quantity] ?? { min: -1e9, max: 1e9 };
}

/** A measured quantity; `address` is checked by the kind of its source. */
export const pointConfig = z.strictObject({
  id: identifier,
  zone: identifier,
  name: localisedText,
  quantity: z
    .enum(["temperature", "humidity", "door", "defrost", "compressor", "power", "battery", "other"])
    .default("temperature"),
  /** Unit of the stored samples. */
  unit: z.enum(units).default("Cel"),
  /** Unit the device reports in when its payload does not say; default: the same. */
  sourceUnit: z.enum(units).optional(),
  expectedIntervalSeconds: z.number().min(1).max(86_400).default(60),
  probeRole: z.enum(["independent", "controller"]).optional(),
  calibration: z
    .strictObject({
      offset: z.number().default(0),
      slope: z.number().positive().default(1),
      /** Number or name of the certificate. */
      certificate: z.string().min(1).max(200).optional(),
      /** Day of the next calibration; from its beginning on, in UTC, the point is shown as due. */
      due: z.iso.date().optional(),
    })
    .prefault({}),
  recording: z
    .discriminatedUnion("mode", [
      z.strictObject({ mode: z.literal("every") }),
      /** One row for `keepSeconds` while the value is within its zone's limits. */
      z.strictObject({ mode: z.literal("summary"), keepSeconds: z.int().min(10).max(3_600).default(300) }),
    ])
    .prefault({ mode: "every" }),
  validRange: z.strictObject({ min: z.number(), max: z.number() }).optional(),
  source: identifier,
  address: z.unknown(),
});
