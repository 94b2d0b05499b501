import { z } from "zod";

import { explanation, list, named, text, timeMs } from "./schema-parts.ts";

const count = z.number();
const actorName = {
  gatewayId: text,
  siteId: text,
  zoneId: text,
  ruleId: text,
  ruleKind: text,
  pointId: text.nullable(),
  cameraId: text.nullable(),
};
const load = named("AlarmLoad", z.enum(["good", "manageable", "overloaded"]));

const badActor = named(
  "BadActor",
  z.object({
    ...actorName,
    count,
    /** Of all alarms of the window, 0..1. */
    share: z.number(),
    advice: z.enum(["widen-deadband", "lengthen-delay", "check-probe", "check-profile"]).nullable(),
  }),
);

const alarmHealth = named(
  "AlarmHealth",
  z.object({
    fromMs: timeMs,
    toMs: timeMs,
    alarms: count,
    perHour: z.number(),
    mostIn10Min: count,
    /** By alarms an hour: up to 6 good, up to 12 manageable. */
    load,
    /** Ten or more within ten minutes. */
    floods: list(z.object({ fromMs: timeMs, toMs: timeMs, count })),
    /** Three or more within a minute. */
    chattering: list(z.object(actorName)),
    /** Open for more than 24 hours. */
    stale: list(z.object({ ...actorName, sinceMs: timeMs })),
    topTen: list(badActor),
    topTenShare: z.number(),
    /** Shares, 0..1; the aim is 0.80 / 0.15 / 0.05. */
    priorities: z.object({ warning: z.number(), high: z.number(), critical: z.number() }),
    rate: z.object({ bucketMs: z.number(), counts: list(count) }),
  }),
);

const gatewayAlarmHealth = named(
  "GatewayAlarmHealth",
  z.object({
    gatewayId: text,
    siteId: text,
    alarms: count,
    perHour: z.number(),
    mostIn10Min: count,
    load,
    floods: count,
    chattering: count,
    stale: count,
    /** What the gateway last said of itself, over 24 h as far as its process had seen them; null: nothing yet. */
    own: z.object({ state: text, timeMs, explanation }).nullable(),
  }),
);

export const alarmSystemHealth = named(
  "AlarmSystemHealth",
  z.object({
    nowMs: timeMs,
    days: z.number(),
    /** There were more steps than are considered; the oldest are left out. */
    truncated: z.boolean(),
    all: alarmHealth,
    gateways: list(gatewayAlarmHealth),
  }),
);
