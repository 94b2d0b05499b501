import { z } from "zod";

import type { ActOutcome, PersonAction, PersonRequest } from "../core/alarm-engine.ts";
import type { ApprovalOutcome, CertificateApproval } from "../core/peer-trust.ts";
import type { PointAddition, PointAdditionOutcome } from "../core/point-addition.ts";
import type { TeachDesk } from "../core/teaching.ts";

/** What a person may do on the local page. Each is durable when resolved. */
export interface LocalActions {
  readonly act: (request: PersonRequest) => Promise<ActOutcome> | ActOutcome;
  readonly approve: (approval: CertificateApproval) => Promise<ApprovalOutcome>;
  /** False: there is no such room. */
  readonly forgetRoom: (request: RoomReset) => Promise<boolean>;
  /** Missing where there is no camera. */
  readonly teaching?: TeachDesk;
  readonly addPoint: (addition: PointAddition) => Promise<PointAdditionOutcome>;
}

/** What was learned of a room is to be forgotten. */
interface RoomReset {
  readonly zoneId: string;
  readonly actor: string;
  readonly reason: string;
}

export interface Outcome {
  readonly status: number;
  readonly outcome: string;
  readonly message?: string;
  /** Made by a step of teaching. */
  readonly version?: number;
  readonly crop?: string;
  /** What was asked for, as JSON; not logged. */
  readonly file?: unknown;
}

/** One address that takes a POST: who may, what it expects, what it does. */
export interface Write {
  /** `acknowledge`: harmless; `change`: alters what is watched or trusted. */
  readonly allows: "acknowledge" | "change";
  /** Undefined: the body is not what is expected. */
  readonly run: (body: unknown, actions: LocalActions) => Promise<Outcome> | undefined;
  readonly expects: string;
  /** Of the body; 4 KiB when left out. */
  readonly limitBytes?: number;
}

const alarmId = z.string().min(1).max(128);
const text = z.string().trim().max(500);
const reason = text.min(1);
const maybeName = z.string().trim().max(60).default("");
const name = z.string().trim().min(1).max(60);
const id = z.string().min(1).max(128);
const untilMs = z.int();
const label = z.string().min(1).max(1_000);
const chosenName = z.string().trim().min(1).max(200);

const target = z.union([
  z.strictObject({ zoneId: id }),
  z.strictObject({ pointId: id }),
  z.strictObject({ cameraId: id }),
]);

/** The page has no sign-in: the name is what somebody typed, and the record says where. */
export const actorOf = (typed: string): string => (typed === "" ? "local page" : `${typed} (local page)`);

export function write<S extends z.ZodType>(
  allows: Write["allows"],
  schema: S,
  expects: string,
  run: (body: z.output<S>, actions: LocalActions) => Promise<Outcome>,
  limitBytes?: number,
): Write {
  return {
    allows,
    expects,
    ...(limitBytes === undefined ? {} : { limitBytes }),
    run: (body, actions) => {
      const parsed = schema.safeParse(body);
      return parsed.success ? run(parsed.data, actions) : undefined;
    },
  };
}

async function act(actions: LocalActions, typed: string, action: PersonAction): Promise<Outcome> {
  const outcome = await actions.act({ action, actor: actorOf(typed), commandId: null });
  if (outcome.kind === "done") return { status: 200, outcome: "done" };
  const isUnknown = outcome.reason === "unknown-alarm" || outcome.reason === "unknown-target";
  return { status: isUnknown ? 404 : 409, outcome: outcome.reason };
}

/** Everything that can be done on the local page, by address. */
export const writes: Readonly<Record<string, Write>> = {
  "/alarms/acknowledge": write(
    "acknowledge",
    z.strictObject({ alarmId, name: maybeName, comment: text.default("") }),
    "{ alarmId, name?, comment? }",
    (body, actions) => act(actions, body.name, { kind: "acknowledge", alarmId: body.alarmId, comment: body.comment }),
  ),
  "/alarms/action-done": write(
    "acknowledge",
    z.strictObject({ alarmId, name: maybeName, comment: text.default("") }),
    "{ alarmId, name?, comment? }",
    (body, actions) => act(actions, body.name, { kind: "action-done", alarmId: body.alarmId, comment: body.comment }),
  ),
  "/alarms/shelve": write(
    "change",
    z.strictObject({ alarmId, name, reason, untilMs, oneShot: z.boolean().default(false) }),
    "{ alarmId, name, reason, untilMs, oneShot? }",
    ({ name, ...body }, actions) => act(actions, name, { kind: "shelve", ...body }),
  ),
  "/alarms/unshelve": write(
    "change",
    z.strictObject({ alarmId, name, reason }),
    "{ alarmId, name, reason }",
    ({ name, ...body }, actions) => act(actions, name, { kind: "unshelve", ...body }),
  ),
  "/alarms/reset": write(
    "change",
    z.strictObject({ alarmId, name, reason }),
    "{ alarmId, name, reason }",
    ({ name, ...body }, actions) => act(actions, name, { kind: "reset", ...body }),
  ),
  "/service": write(
    "change",
    z.strictObject({ target, inService: z.boolean(), untilMs: untilMs.default(0), name, reason }),
    "{ target: { zoneId | pointId | cameraId }, inService, untilMs?, name, reason }",
    ({ name, ...body }, actions) => act(actions, name, { kind: "set-service", ...body }),
  ),
  "/rooms/forget": write(
    "change",
    z.strictObject({ zoneId: id, name, reason }),
    "{ zoneId, name, reason }",
    async ({ name, ...body }, actions) => {
      const isKnown = await actions.forgetRoom({ ...body, actor: actorOf(name) });
      return isKnown ? { status: 200, outcome: "done" } : { status: 404, outcome: "unknown-target" };
    },
  ),
  "/certificates/approve": write(
    "change",
    z.strictObject({ sourceId: id, fingerprintSha256: z.string().regex(/^[0-9a-fA-F]{64}$/), name, reason }),
    "{ sourceId, fingerprintSha256, name, reason }",
    async ({ name, ...body }, actions) => {
      const { kind } = await actions.approve({ ...body, actor: actorOf(name), commandId: null });
      return { status: kind === "done" ? 200 : kind === "unknown-certificate" ? 404 : 409, outcome: kind };
    },
  ),
  "/points/add": write(
    "change",
    z.strictObject({
      sourceId: id,
      label,
      id: z.string().trim().min(1).max(64),
      zone: id,
      zh: chosenName,
      en: chosenName,
      name,
      reason,
    }),
    "{ sourceId, label, id, zone, zh, en, name, reason }",
    async ({ sourceId, label, id, zone, zh, en, name, reason }, actions) => {
      const choice = { id, zone, name: { zh, en } };
      const outcome = await actions.addPoint({ sourceId, label, choice, actor: actorOf(name), reason });
      if (outcome.kind === "done") return { status: 200, outcome: "done" };
      const status = outcome.kind === "not-discovered" ? 404 : outcome.kind === "invalid" ? 400 : 409;
      return { status, outcome: outcome.kind, ...("message" in outcome ? { message: outcome.message } : {}) };
    },
  ),
};
