import { z } from "zod";

import type { PersonAction } from "../core/alarm-engine.ts";
import { actKinds } from "../core/view.ts";
import { longestMinutes } from "./people.ts";

const maxBytes = 4_096;

const id = z.string().min(1).max(128);
const reason = z.string().trim().min(1).max(500);
const common = {
  /** The panel's own name of this request: the same again is answered again and not done again. */
  id: z.string().min(1).max(64),
  /** Who stands at the panel. */
  person: z.string().trim().max(60).default(""),
};
const comment = z.string().trim().max(500).default("");
const limit = { minutes: z.number().positive().max(longestMinutes).optional(), untilMs: z.int().optional() };

const bodies = {
  acknowledge: z.strictObject({ ...common, alarmId: id, comment }),
  "action-done": z.strictObject({ ...common, alarmId: id, comment }),
  shelve: z.strictObject({ ...common, alarmId: id, reason, ...limit, oneShot: z.boolean().default(false) }),
  unshelve: z.strictObject({ ...common, alarmId: id, reason }),
  reset: z.strictObject({ ...common, alarmId: id, reason }),
  "set-service": z.strictObject({
    ...common,
    target: z.union([
      z.strictObject({ zoneId: id }),
      z.strictObject({ pointId: id }),
      z.strictObject({ cameraId: id }),
    ]),
    inService: z.boolean(),
    reason,
    ...limit,
  }),
} as const satisfies Record<PersonAction["kind"], z.ZodType>;

type PanelAct =
  | { readonly kind: "act"; readonly id: string; readonly person: string; readonly action: PersonAction }
  /** `id` as far as it could be read, so that the panel knows which request is meant. */
  | { readonly kind: "refused"; readonly id: string | null; readonly code: string; readonly message: string };

/** Reads what a panel asks for. `minutes` counts from now. */
export function readPanelAct(verb: string, payload: Uint8Array, nowMs: number): PanelAct {
  if (payload.byteLength > maxBytes) return refusal(null, "too-large", `expected at most ${maxBytes} bytes`);
  const kind = actKinds.find((known) => known === verb);
  if (kind === undefined) return refusal(null, "unknown-act", `expected one of ${actKinds.join(", ")}`);
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return refusal(null, "not-json", "expected JSON in UTF-8");
  }
  const asked = z.looseObject({ id: common.id }).safeParse(body);
  const askedId = asked.success ? asked.data.id : null;
  const read = actionOf(kind, body, nowMs);
  if (read.kind === "wrong") return refusal(askedId, "invalid", read.problem.slice(0, 500));
  return { kind: "act", id: read.id, person: read.person, action: read.action };
}

const refusal = (id: string | null, code: string, message: string): PanelAct => ({
  kind: "refused",
  id,
  code,
  message,
});

type Read =
  | { readonly kind: "ok"; readonly id: string; readonly person: string; readonly action: PersonAction }
  | { readonly kind: "wrong"; readonly problem: string };

const wrong = (problem: string): Read => ({ kind: "wrong", problem });

function actionOf(kind: PersonAction["kind"], body: unknown, nowMs: number): Read {
  if (kind === "shelve") {
    return read(bodies.shelve, body, ({ minutes, untilMs, ...rest }) => {
      const until = untilOf({ minutes, untilMs }, nowMs);
      return typeof until === "string" ? until : { kind, ...rest, untilMs: until };
    });
  }
  if (kind === "set-service") {
    return read(bodies["set-service"], body, ({ minutes, untilMs, ...rest }) => {
      const until = rest.inService ? 0 : untilOf({ minutes, untilMs }, nowMs);
      return typeof until === "string" ? until : { kind, ...rest, untilMs: until };
    });
  }
  if (kind === "acknowledge" || kind === "action-done") return read(bodies[kind], body, (rest) => ({ kind, ...rest }));
  return read(bodies[kind], body, (rest) => ({ kind, ...rest }));
}

interface Asked {
  readonly id: string;
  readonly person: string;
}

/** `make` gives the action, or what is wrong. */
function read<B extends Asked>(
  schema: z.ZodType<B>,
  body: unknown,
  make: (rest: Omit<B, keyof Asked>) => PersonAction | string,
): Read {
  const parsed = schema.safeParse(body);
  if (!parsed.success) return wrong(z.prettifyError(parsed.error).replaceAll("\n", " "));
  const { id: requestId, person, ...rest } = parsed.data;
  const action = make(rest);
  return typeof action === "string" ? wrong(action) : { kind: "ok", id: requestId, person, action };
}

function untilOf(
  { minutes, untilMs }: { readonly minutes: number | undefined; readonly untilMs: number | undefined },
  nowMs: number,
): number | string {
  if ((minutes === undefined) === (untilMs === undefined)) return "expected exactly one of minutes and untilMs";
  return untilMs ?? Math.floor(nowMs + (minutes ?? 0) * 60_000);
}
