import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Alarm } from "../../core/records.ts";
import { type ApiBench, openApiBench } from "../testing/api-bench.ts";
import { addSampleSite, sampleAlarmEvent } from "../testing/sample-site.ts";

const hourMs = 3_600_000;
let api: ApiBench;
let alarm: Alarm;

beforeEach(async () => {
  api = await openApiBench();
  ({ alarm } = addSampleSite(api.state, "a", "school", Uint8Array.of(1)));
});

afterEach(async () => {
  await api.app.close();
});

function put(given: Partial<Alarm>): void {
  alarm = { ...alarm, ...given };
  api.state.alarmMap.set(alarm.alarmId, { alarm, events: [sampleAlarmEvent(alarm, "raised")] });
}

async function act(what: string, payload: object, as = "olga") {
  const answer = await api.ask({ method: "POST", url: `/api/v1/alarms/${alarm.alarmId}/${what}`, as, payload });
  return { status: answer.statusCode, ...answer.json<{ code?: string; commandId?: string }>() };
}

const shelving = (hours: number, more: object = {}) => ({
  untilMs: api.clock.nowMs() + hours * hourMs,
  oneShot: false,
  reason: "door is being repaired",
  ...more,
});

describe("shelving", () => {
  it("asks the gateway with person, reason and end, is audited, and shows as asked until the gateway's event comes", async () => {
    const { status } = await act("shelving", shelving(4, { oneShot: true }));
    expect(status).toBe(202);
    expect(api.state.commands).toMatchObject([
      {
        gatewayId: "gateway-school",
        command: {
          actor: "olga",
          action: { kind: "shelve-alarm", alarmId: alarm.alarmId, oneShot: true, reason: "door is being repaired" },
        },
      },
    ]);
    expect(api.accounts.audits).toMatchObject([{ actor: "olga", action: "shelve-alarm-requested" }]);
    const shown = (await api.ask({ url: "/api/v1/alarms?open=true", as: "vera" })).json().alarms[0];
    expect(shown).toMatchObject({ state: "unacknowledged", requests: [{ kind: "shelve-alarm", status: "pending" }] });
  });

  it("is refused without a reason, for the past, and for longer than the priority allows", async () => {
    expect((await act("shelving", shelving(1, { reason: "  " }))).status).toBe(400);
    expect(await act("shelving", shelving(-1))).toMatchObject({ status: 409, code: "until-out-of-range" });
    expect(await act("shelving", shelving(25))).toMatchObject({ status: 409, code: "until-out-of-range" });
    put({ priority: "critical" });
    expect(await act("shelving", shelving(2, { acceptCritical: true }))).toMatchObject({ code: "until-out-of-range" });
    expect(api.state.commands).toEqual([]);
  });

  it("of a critical alarm must be said explicitly, and the audit says that it was critical", async () => {
    put({ priority: "critical" });
    expect(await act("shelving", shelving(0.5))).toMatchObject({ status: 409, code: "critical-not-accepted" });
    expect((await act("shelving", shelving(0.5, { acceptCritical: true }))).status).toBe(202);
    expect(api.accounts.audits[0]?.detail).toContain("critical until");
  });

  it("is refused for what is put aside already, and while somebody else's request is on its way", async () => {
    expect((await act("shelving", shelving(1))).status).toBe(202);
    expect(await act("shelving", shelving(2), "ann")).toMatchObject({ status: 409, code: "request-waiting" });
    put({ state: "suppressed" });
    expect(await act("shelving", shelving(1))).toMatchObject({ status: 409, code: "put-aside" });
    expect(api.state.commands).toHaveLength(1);
  });

  it("keeps a critical room critical and a lesser one a warning; what the design suppressed leaves it normal", async () => {
    const states: string[] = [];
    for (const given of [
      { state: "shelved", priority: "critical" },
      { state: "shelved", priority: "high" },
      { state: "latched-unacknowledged", priority: "high" },
      { state: "suppressed", priority: "critical" },
      { state: "out-of-service", priority: "critical" },
    ] as const) {
      put(given);
      const { sites } = (await api.ask({ url: "/api/v1/overview", as: "vera" })).json();
      states.push(sites[0].zones.find((zone: { zoneId: string }) => zone.zoneId === "freezer").alarmState);
    }
    expect(states).toEqual(["critical", "warning", "warning", "normal", "normal"]);
  });
});

describe("the other acts", () => {
  it("are asked for only where they can apply", async () => {
    expect(await act("unshelving", { reason: "repaired" })).toMatchObject({ status: 409, code: "not-put-aside" });
    expect(await act("reset", { reason: "looked at" })).toMatchObject({ status: 409, code: "not-latched" });
    put({ state: "shelved" });
    expect((await act("unshelving", { reason: "repaired" })).status).toBe(202);
    put({ state: "latched-acknowledged" });
    expect((await act("reset", { reason: "looked at" })).status).toBe(202);
    expect(api.state.commands.map(({ command }) => command.action.kind)).toEqual(["unshelve-alarm", "reset-alarm"]);
  });

  it("keep acknowledging and action done apart: one does not stand for the other", async () => {
    expect((await act("action-done", { comment: "fan replaced" })).status).toBe(202);
    expect((await act("acknowledgement", {})).status).toBe(202);
    put({ state: "acknowledged", actionDone: null });
    expect((await act("acknowledgement", {})).status).toBe(409);
    expect(api.state.commands.map(({ command }) => command.action.kind)).toEqual([
      "alarm-action-done",
      "acknowledge-alarm",
    ]);
  });

  it("acknowledge a watched alarm whose values are back", async () => {
    put({ state: "latched-unacknowledged" });
    expect((await act("acknowledgement", {})).status).toBe(202);
  });

  it("are refused for an alarm that is over, and for the server's own", async () => {
    put({ state: "normal" });
    expect(await act("action-done", {})).toMatchObject({ status: 409, code: "alarm-over" });
    put({ state: "unacknowledged", ruleKind: "gateway-silent" });
    expect(await act("shelving", shelving(1))).toMatchObject({ status: 409, code: "alarm-of-the-server" });
    expect(api.state.commands).toEqual([]);
  });

  it("shows what the gateway refused, and the other alarms of the failure with the first-out first", async () => {
    put({ incidentId: "i1" });
    const other = { ...alarm, alarmId: "alarm-b", raisedMs: alarm.raisedMs - 60_000, incidentId: "i1" };
    api.state.alarmMap.set("alarm-b", { alarm: other, events: [] });
    api.state.finishedRequests.push({
      organisationId: "a",
      command: {
        commandId: "c1",
        actor: "olga",
        issuedAtMs: 1,
        action: { kind: "reset-alarm", alarmId: alarm.alarmId, reason: "looked at" },
      },
      status: "failed",
      finishedMs: 2,
      outcome: {
        code: "command-refused",
        parameters: { commandId: "c1", command: "reset-alarm", reason: "not-latched" },
      },
    });
    const detail = (await api.ask({ url: `/api/v1/alarms/${alarm.alarmId}`, as: "vera" })).json();
    expect(detail.incident.map((one: Alarm) => one.alarmId)).toEqual(["alarm-b", alarm.alarmId]);
    expect(detail.requests).toMatchObject([
      { kind: "reset-alarm", status: "failed", outcome: { parameters: { reason: "not-latched" } } },
    ]);
  });
});

describe("out of service", () => {
  const stop = (given: object = {}, as = "ann") =>
    api.ask({
      method: "POST",
      url: "/api/v1/sites/school/service",
      as,
      payload: {
        inService: false,
        target: { kind: "zone", id: "freezer" },
        purpose: "maintenance",
        untilMs: api.clock.nowMs() + 4 * hourMs,
        reason: "new door",
        ...given,
      },
    });

  it("asks the gateway that has the room, point or camera, with purpose, reason and end", async () => {
    expect((await stop()).statusCode).toBe(202);
    expect((await stop({ target: { kind: "camera", id: "kitchen" }, purpose: "calibration" })).statusCode).toBe(202);
    expect(api.state.commands.map(({ command }) => command.action)).toMatchObject([
      { kind: "set-service", target: { zoneId: "freezer" }, inService: false, reason: "maintenance: new door" },
      { kind: "set-service", target: { cameraId: "kitchen" }, inService: false, reason: "calibration: new door" },
    ]);
  });

  it("is refused for what no gateway has, for too long, and for an operator", async () => {
    expect((await stop({ target: { kind: "zone", id: "nowhere" } })).statusCode).toBe(404);
    expect((await stop({ untilMs: api.clock.nowMs() + 31 * 24 * hourMs })).json().code).toBe("until-out-of-range");
    expect((await stop({}, "olga")).statusCode).toBe(403);
    expect(api.state.commands).toEqual([]);
  });

  it("is shown with its room once the gateway has said so, and no longer than it lasts", async () => {
    api.state.healthList.push({
      organisationId: "a",
      siteId: "school",
      gatewayId: "gateway-school",
      subject: "service:point:freezer/air",
      state: "out-of-service",
      timeMs: api.clock.nowMs(),
      explanation: {
        code: "service-stopped",
        parameters: { actor: "ann", reason: "calibration: ice bath", until: { timeMs: api.clock.nowMs() + hourMs } },
      },
    });
    const shown = async () => {
      const { sites } = (await api.ask({ url: "/api/v1/overview", as: "vera" })).json();
      return sites[0].zones.find((zone: { zoneId: string }) => zone.zoneId === "freezer").outOfService;
    };
    expect(await shown()).toMatchObject([
      { target: { kind: "point", id: "freezer/air" }, actor: "ann", purpose: "calibration", reason: "ice bath" },
    ]);
    await api.clock.advance(hourMs);
    expect(await shown()).toEqual([]);
  });
});
