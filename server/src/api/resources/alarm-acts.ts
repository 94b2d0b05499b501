import type { CommandAction, Priority } from "@frostlight/contract";
import { z } from "zod";

import { type Alarm, gatewaySilentKind } from "../../core/records.ts";
import { alarmRequested, noteBody, reasonBody, shelvingBody } from "../alarm-schemas.ts";
import { ApiError, notFound } from "../api-error.ts";
import { askGateway } from "../ask-gateway.ts";
import { type ApiInstance, type ApiPorts, type Caller, callerOf } from "../context.ts";
import { pendingRequests, withRequests } from "../overview/alarm-requests.ts";
import { identifier, problem } from "../schemas.ts";

const hourMs = 3_600_000;

/** As long as gateways allow: asked for more, they would refuse. */
export const longestShelfMs = {
  warning: 24 * hourMs,
  high: 24 * hourMs,
  critical: hourMs,
} as const satisfies Record<Priority, number>;

type AlarmAction = Extract<CommandAction, { readonly alarmId: string }>;

const params = z.object({ alarmId: identifier });
const asked = { 202: alarmRequested, 400: problem, 401: problem, 403: problem, 404: problem, 409: problem } as const;

/**
 * What a person may do to an alarm besides acknowledging it. Each asks the gateway; its own event is the effect. What cannot
 * succeed by what is known here is refused at once; the gateway judges the rest.
 */
export function alarmActRoutes(app: ApiInstance, ports: ApiPorts): void {
  app.post(
    "/alarms/:alarmId/action-done",
    {
      config: { permission: "acknowledge-alarms" },
      schema: {
        summary: "Say that the cause was dealt with: a step of its own beside the acknowledgement",
        params,
        body: noteBody,
        response: asked,
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { alarmId } = request.params;
      const { comment } = request.body;
      const alarm = await alarmOf(ports, caller, alarmId);
      return reply.code(202).send(await ask(ports, caller, alarm, { kind: "alarm-action-done", alarmId, comment }));
    },
  );

  app.post(
    "/alarms/:alarmId/shelving",
    {
      config: { permission: "shelve-alarms" },
      schema: {
        summary: "Put an alarm aside for a time, with a reason; a critical one for an hour at most and only explicitly",
        params,
        body: shelvingBody,
        response: asked,
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { alarmId } = request.params;
      const { untilMs, oneShot, reason, acceptCritical } = request.body;
      const alarm = await alarmOf(ports, caller, alarmId);
      const { state, priority } = alarm;
      if (isAside(state)) throw new ApiError(409, "put-aside", `alarm ${alarmId} is put aside already`);
      const longMs = untilMs - ports.clock.nowMs();
      if (longMs <= 0 || longMs > longestShelfMs[priority]) {
        const hours = longestShelfMs[priority] / hourMs;
        throw new ApiError(409, "until-out-of-range", `a ${priority} alarm is shelved for ${hours} h at most`);
      }
      if (priority === "critical" && !acceptCritical) {
        throw new ApiError(409, "critical-not-accepted", "shelving a critical alarm must be asked for explicitly");
      }
      const action = { kind: "shelve-alarm", alarmId, untilMs, oneShot, reason } as const;
      const detail = `${alarmId} ${priority} until ${new Date(untilMs).toISOString()}: ${reason}`;
      return reply.code(202).send(await ask(ports, caller, alarm, action, detail));
    },
  );

  app.post(
    "/alarms/:alarmId/unshelving",
    {
      config: { permission: "shelve-alarms" },
      schema: { summary: "Take a shelved alarm back before its time", params, body: reasonBody, response: asked },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { alarmId } = request.params;
      const { reason } = request.body;
      const alarm = await alarmOf(ports, caller, alarmId);
      if (alarm.state !== "shelved") throw new ApiError(409, "not-put-aside", `alarm ${alarmId} is not shelved`);
      const action = { kind: "unshelve-alarm", alarmId, reason } as const;
      return reply.code(202).send(await ask(ports, caller, alarm, action, `${alarmId} ${reason}`));
    },
  );

  app.post(
    "/alarms/:alarmId/reset",
    {
      config: { permission: "shelve-alarms" },
      schema: { summary: "Let a latched alarm go", params, body: reasonBody, response: asked },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { alarmId } = request.params;
      const { reason } = request.body;
      const alarm = await alarmOf(ports, caller, alarmId);
      if (!alarm.state.startsWith("latched-"))
        throw new ApiError(409, "not-latched", `alarm ${alarmId} is not latched`);
      const action = { kind: "reset-alarm", alarmId, reason } as const;
      return reply.code(202).send(await ask(ports, caller, alarm, action, `${alarmId} ${reason}`));
    },
  );
}

function isAside(state: Alarm["state"]): boolean {
  return state === "shelved" || state === "suppressed" || state === "out-of-service";
}

/** The alarm, if a gateway can still do something with it. */
async function alarmOf({ state }: ApiPorts, { scope }: Caller, alarmId: string): Promise<Alarm> {
  const found = await state.alarm(scope, alarmId);
  if (found === undefined) throw notFound(`alarm ${alarmId}`);
  const { alarm } = found;
  if (alarm.ruleKind === gatewaySilentKind) {
    throw new ApiError(409, "alarm-of-the-server", "this alarm is the server's own: it ends when the gateway is heard");
  }
  if (alarm.state === "normal") throw new ApiError(409, "alarm-over", `alarm ${alarmId} is over`);
  return alarm;
}

/** Of one kind one request at a time: who asks again while one is on its way learns whose it is. */
async function ask(ports: ApiPorts, caller: Caller, alarm: Alarm, action: AlarmAction, detail: string = alarm.alarmId) {
  const { requests } = withRequests(alarm, await pendingRequests(ports.commands, caller.scope));
  const waiting = requests.find(({ kind }) => kind === action.kind);
  if (waiting !== undefined) {
    throw new ApiError(409, "request-waiting", `${waiting.actor} has asked for it; the gateway has not answered yet`);
  }
  const { siteId, gatewayId } = alarm;
  return askGateway(ports, caller, { siteId, gatewayId, action, detail });
}
