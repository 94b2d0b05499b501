import type { AlarmEvent, AlarmState } from "@frostlight/contract";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { PersonAction } from "../core/alarm-engine.ts";
import { makePoint, makeRule, Stage } from "./testing/stage.ts";

const hour = 3_600_000;
const limit = makeRule("limit", {
  side: "high",
  stages: [
    { priority: "high", value: -18, onDelaySeconds: 120 },
    { priority: "critical", value: -12, onDelaySeconds: 60 },
  ],
  offDelaySeconds: 60,
  deadband: 1,
});
const excursion = makeRule(
  "excursion",
  { side: "high", limit: -18, onDelaySeconds: 120, watchSeconds: 600, deadband: 1, offDelaySeconds: 60 },
  { id: "excursion" },
);

/** What can happen to a site, in any order. */
type Happening =
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "see"; readonly celsius: number | null; readonly minutes: number }
  | { readonly kind: "late"; readonly celsius: number; readonly ago: number }
  | { readonly kind: "jump"; readonly hours: number }
  | { readonly kind: "restart"; readonly downSeconds: number }
  | { readonly kind: "forget" }
  | { readonly kind: "act"; readonly act: PersonAction["kind"]; readonly which: number; readonly forHours: number };

const celsius = fc.constantFrom(-25, -19.5, -18.5, -18, -15, -11, 3);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.constantFrom(1, 59, 200, 700) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("see" as const),
      celsius: fc.option(celsius, { freq: 8 }),
      minutes: fc.integer({ min: 1, max: 8 }),
    }),
  },
  fc.record({ kind: fc.constant("late" as const), celsius, ago: fc.integer({ min: 1, max: 600 }) }),
  fc.record({ kind: fc.constant("jump" as const), hours: fc.constantFrom(-30, -1, 1, 30, 9_000) }),
  fc.record({ kind: fc.constant("restart" as const), downSeconds: fc.constantFrom(0, 30, 4_000, 200_000) }),
  fc.record({ kind: fc.constant("forget" as const) }),
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("act" as const),
      act: fc.constantFrom("acknowledge", "action-done", "shelve", "unshelve", "reset", "set-service"),
      which: fc.nat(3),
      forHours: fc.constantFrom(-1, 0.01, 0.5, 2, 30),
    }),
  },
);

function actionOf(stage: Stage, { act, which, forHours }: Extract<Happening, { kind: "act" }>): PersonAction {
  const open = stage.engine.active();
  const alarmId = open[which % Math.max(1, open.length)]?.alarmId ?? "none";
  const untilMs = stage.clock.nowMs() + forHours * hour;
  if (act === "acknowledge" || act === "action-done") return { kind: act, alarmId, comment: "" };
  if (act === "shelve") return { kind: act, alarmId, untilMs, oneShot: which % 2 === 0, reason: "x" };
  if (act === "set-service")
    return { kind: act, target: { zoneId: "room" }, inService: which > 1, untilMs, reason: "x" };
  return { kind: act, alarmId, reason: "x" };
}

async function happen(stage: Stage, one: Happening): Promise<void> {
  if (one.kind === "wait") await stage.wait(one.seconds);
  else if (one.kind === "see") {
    for (let minute = 0; minute < one.minutes; minute += 1) {
      await stage.wait(60);
      stage.see(one.celsius);
    }
  } else if (one.kind === "late") {
    stage.see(one.celsius, { timeMs: stage.clock.nowMs() - one.ago * 60_000, backfill: true });
  } else if (one.kind === "jump") stage.clock.jumpWall(one.hours * hour);
  else if (one.kind === "restart") stage.restart(one.downSeconds);
  else if (one.kind === "forget") stage.engine.forgetRoom("room");
  else stage.act(actionOf(stage, one));
}

/** Replays the events as a server does: the last state of each alarm that is not over. */
function openBy(events: readonly AlarmEvent[]): ReadonlyMap<string, AlarmState> {
  const open = new Map<string, AlarmState>();
  for (const { alarmId, transition, state } of events) {
    if (transition === "cleared") open.delete(alarmId);
    else open.set(alarmId, state);
  }
  return open;
}

const stories = fc.array(happening, { minLength: 5, maxLength: 40 });

describe("whatever happens in whatever order", () => {
  it("the events alone tell which alarms are open and how they stand; each begins with raised and ends with one cleared", async () => {
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        const stage = new Stage([limit, excursion]);
        for (const one of story) {
          await happen(stage, one);
          const open = new Map(stage.engine.active().map(({ alarmId, state }) => [alarmId, state]));
          expect(openBy(stage.events)).toEqual(open);
        }
        for (const alarmId of new Set(stage.events.map((event) => event.alarmId))) {
          const life = stage.events.filter((event) => event.alarmId === alarmId).map(({ transition }) => transition);
          expect(life[0]).toBe("raised");
          expect(life.slice(0, -1)).not.toContain("cleared");
        }
        expect(new Set(stage.events.map(({ eventId }) => eventId)).size).toBe(stage.events.length);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it("nothing stays put aside for longer than people may ask for, and nothing critical is shelved for more than an hour", async () => {
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        const stage = new Stage([limit]);
        for (const one of story) await happen(stage, one);
        if (stage.engine.active().every(({ state }) => state !== "shelved")) return;
        const isCritical = stage.engine.active().some(({ priority }) => priority === "critical");
        for (let minute = 0; minute < (isCritical ? 61 : 25 * 60); minute += 1) {
          await stage.clock.advance(60_000);
          stage.engine.tick();
        }
        expect(stage.engine.active().map(({ state }) => state)).not.toContain("shelved");
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it("a restart at any moment changes nothing of what is shown", async () => {
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        const stage = new Stage([limit, excursion]);
        for (const one of story) await happen(stage, one);
        const before = stage.engine.active();
        stage.restart(0);
        expect(stage.engine.active()).toEqual(before);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe("a shelf", () => {
  const shelved = async (): Promise<Stage> => {
    const stage = new Stage([limit]);
    await stage.seeFor(5, -15);
    const untilMs = stage.clock.nowMs() + hour;
    stage.act({ kind: "shelve", alarmId: stage.last.alarmId, untilMs, oneShot: false, reason: "repair" });
    return stage;
  };

  it.each([-48, -1, 1, 48, 9_000])(
    "lasts as long as was asked for when the wall clock jumps by %d h",
    async (hours) => {
      const stage = await shelved();
      stage.clock.jumpWall(hours * hour);
      await stage.seeFor(58, -15);
      expect(stage.engine.active()[0]?.state).toBe("shelved");
      await stage.seeFor(3, -15);
      expect(stage.engine.active()[0]?.state).toBe("unacknowledged");
    },
  );

  it("is one state for two desks that act at once, and the second is told why not", async () => {
    const stage = await shelved();
    const { alarmId } = stage.last;
    const untilMs = stage.clock.nowMs() + hour;
    expect(stage.act({ kind: "shelve", alarmId, untilMs, oneShot: true, reason: "me too" })).toBe("put-aside");
    expect(stage.acknowledge(alarmId)).toBe("put-aside");
    expect(stage.act({ kind: "unshelve", alarmId, reason: "ready" })).toBe("done");
    expect(stage.act({ kind: "unshelve", alarmId, reason: "ready" })).toBe("not-put-aside");
  });

  it("gives way to maintenance, which ends it: afterwards the alarm asks for attention", async () => {
    const stage = await shelved();
    const target = { zoneId: "room" };
    const serviceMs = stage.clock.nowMs() + 10 * 60_000;
    expect(stage.act({ kind: "set-service", target, inService: false, untilMs: serviceMs, reason: "service" })).toBe(
      "done",
    );
    expect(stage.engine.active()[0]?.state).toBe("out-of-service");
    await stage.seeFor(11, -15);
    expect(stage.engine.active()[0]?.state).toBe("unacknowledged");
  });
});

it("keeps a latched alarm latched over a restart, with the person who is to reset it", async () => {
  const stage = new Stage([excursion]);
  await stage.seeFor(5, -15);
  await stage.seeFor(3, -22);
  expect(stage.engine.active()[0]?.state).toBe("latched-unacknowledged");
  stage.acknowledge();
  stage.restart(60);
  expect(stage.engine.active()[0]?.state).toBe("latched-acknowledged");
  expect(stage.act({ kind: "reset", alarmId: stage.last.alarmId, reason: "seen" })).toBe("done");
  expect(stage.engine.active()).toEqual([]);
  // The same excursion does not come back by itself, a new one does.
  await stage.seeFor(3, -22);
  expect(stage.engine.active()).toEqual([]);
  await stage.seeFor(5, -15);
  expect(stage.last).toMatchObject({ transition: "raised", state: "unacknowledged" });
});

it("takes a flood of 10,000 alarm events of 500 points without losing one or taking seconds for a tick", async () => {
  const points = Array.from({ length: 500 }, (_, index) => makePoint({ pointId: `p${index}` }));
  const rules = points.map(({ pointId }) =>
    makeRule(
      "limit",
      { side: "high", stages: [{ priority: "high", value: -18, onDelaySeconds: 0 }], offDelaySeconds: 0, deadband: 0 },
      { id: `limit:${pointId}`, points: [pointId] },
    ),
  );
  const stage = new Stage(rules, points);
  for (let turn = 0; turn < 20; turn += 1) {
    await stage.wait(1);
    for (const { pointId } of points) stage.see(turn % 2 === 0 ? -15 : -22, { pointId });
  }
  expect(stage.events).toHaveLength(10_000);
  expect(stage.engine.active()).toHaveLength(500);
  expect(new Set(stage.engine.active().map(({ state }) => state))).toEqual(new Set(["returned-unacknowledged"]));
  const health = stage.engine.health();
  expect(health.load).toBe("overloaded");
  expect(health.floods.length).toBeGreaterThan(0);
  for (const { alarmId } of stage.engine.active()) expect(stage.acknowledge(alarmId)).toBe("done");
  expect(stage.engine.active()).toEqual([]);
}, 60_000);
