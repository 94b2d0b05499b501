import type { AlarmEvent, Quality } from "@frostlight/contract";
import { decodeBatch, encodeBatch } from "@frostlight/contract";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseAlarmSnapshot } from "./index.ts";
import { isHigher } from "./lifecycle.ts";
import type { AlarmRuleConfig } from "./rule-config.ts";
import { definePointRule } from "./rule.ts";
import { makePoint, makeRule, Stage } from "./testing/stage.ts";

const atOnce = (id = "rule", value = 8): AlarmRuleConfig =>
  makeRule(
    "limit",
    { side: "high", stages: [{ priority: "warning", value, onDelaySeconds: 0 }], offDelaySeconds: 0 },
    { id },
  );

const slow = makeRule("limit", {
  side: "high",
  stages: [
    { priority: "warning", value: 8, onDelaySeconds: 120 },
    { priority: "critical", value: 10, onDelaySeconds: 60 },
  ],
  offDelaySeconds: 60,
});

describe("the alarm engine", () => {
  it("takes an alarm through its whole life with one id, and shows it until it is over", () => {
    const stage = new Stage([atOnce()]);
    stage.see(9);
    expect(stage.engine.active()).toMatchObject([{ state: "unacknowledged", priority: "warning", pointId: "probe" }]);
    expect(stage.acknowledge(undefined, "looking at it")).toBe("done");
    expect(stage.last).toMatchObject({
      transition: "acknowledged",
      actor: "li",
      explanation: { code: "acknowledged-with-comment", parameters: { comment: "looking at it" } },
    });
    expect(stage.engine.active()).toMatchObject([{ state: "acknowledged", explanation: { code: "limit-high" } }]);
    stage.see(4);
    expect(stage.story).toEqual(["raised warning", "acknowledged warning", "returned warning", "cleared warning"]);
    expect(stage.engine.active()).toEqual([]);
    expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(1);
    expect(new Set(stage.events.map((event) => event.eventId)).size).toBe(4);
  });

  it("begins another occurrence after one was cleared", () => {
    const stage = new Stage([atOnce()]);
    stage.see(9);
    stage.acknowledge();
    stage.see(4);
    stage.see(9);
    expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(2);
  });

  it("keeps one occurrence when the condition comes back before anybody has seen it", () => {
    const stage = new Stage([atOnce()]);
    for (const value of [9, 4, 9, 4]) stage.see(value);
    expect(stage.story).toEqual(["raised warning", "returned warning", "raised warning", "returned warning"]);
    expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(1);
    expect(stage.engine.active()).toMatchObject([{ state: "returned-unacknowledged" }]);
  });

  it("answers an acknowledgement of nothing, and a second one, without an event", () => {
    const stage = new Stage([atOnce()]);
    expect(stage.acknowledge("no-such-alarm")).toBe("unknown-alarm");
    stage.see(9);
    expect([stage.acknowledge(), stage.acknowledge()]).toEqual(["done", "already-acknowledged"]);
  });

  it("carries who and which command into the acknowledging event", () => {
    const stage = new Stage([atOnce()]);
    stage.see(9);
    const action = { kind: "acknowledge", alarmId: stage.last.alarmId, comment: "" } as const;
    const outcome = stage.engine.act({ action, actor: "wang", commandId: "c-1" });
    expect(outcome).toMatchObject({ kind: "done", events: [{ actor: "wang", commandId: "c-1" }] });
  });

  it("does not raise an alarm again after a restart, whatever its state was", () => {
    for (const state of ["unacknowledged", "acknowledged", "returned-unacknowledged"]) {
      const stage = new Stage([atOnce()]);
      stage.see(9);
      if (state === "acknowledged") stage.acknowledge();
      if (state === "returned-unacknowledged") stage.see(4);
      const before = stage.engine.active();
      stage.restart(30);
      expect(stage.engine.active()).toEqual(before);
      stage.see(state === "returned-unacknowledged" ? 4 : 9);
      expect(stage.engine.active()).toEqual(before);
      expect(before).toMatchObject([{ state }]);
    }
  });

  it("ends the alarm of a rule that the configuration no longer has", () => {
    const stage = new Stage([atOnce()]);
    stage.see(9);
    stage.restart(1, [atOnce("another", 20)]);
    stage.events.push(...stage.engine.tick(), ...stage.engine.tick());
    expect(stage.story).toEqual(["raised warning", "cleared warning"]);
    expect(stage.last.explanation).toEqual({ code: "rule-removed", parameters: { rule: "rule" } });
  });

  it("keeps such an alarm in its snapshot until it has said so", () => {
    const stage = new Stage([atOnce()]);
    stage.see(9);
    stage.restart(1, [atOnce("another", 20)]);
    stage.restart(1, [atOnce("another", 20)]);
    stage.events.push(...stage.engine.tick());
    expect(stage.story).toEqual(["raised warning", "cleared warning"]);
  });

  it("writes next to nothing while all is quiet", async () => {
    const stage = new Stage([slow, makeRule("no-data", {}, { id: "quiet" })]);
    await stage.seeFor(5, 4);
    expect(stage.engine.snapshot()).toEqual({ version: 2, wallMs: 0, entries: [] });
  });

  it("ignores samples of points nobody watches", () => {
    const stage = new Stage([atOnce()]);
    stage.see(99, { pointId: "elsewhere" });
    expect(stage.events).toEqual([]);
  });

  it("keeps neighbours working when a rule throws, and raises an alarm about it", async () => {
    let asked = 0;
    const broken = definePointRule({
      ...slow.definition,
      kind: "broken",
      watches: "points",
      create: () => ({
        onSample: () => {
          asked += 1;
          throw new Error("division by frost");
        },
        tick: () => null,
        snapshot: () => undefined,
      }),
    });
    const stage = new Stage([{ ...slow, id: "broken", definition: broken }, atOnce()]);
    stage.see(9);
    stage.see(9);
    await stage.wait(2);
    expect(stage.events.map((event) => [event.ruleId, event.transition, event.priority])).toEqual([
      ["broken", "raised", "high"],
      ["rule", "raised", "warning"],
    ]);
    expect(asked).toBe(1);
    expect(stage.events[0]?.explanation).toEqual({
      code: "rule-failed",
      parameters: { rule: "broken", error: "division by frost" },
    });
  });

  it("applies one rule to all points of a zone, each with its own alarm", () => {
    const points = [makePoint(), makePoint({ pointId: "other" }), makePoint({ pointId: "rh", quantity: "humidity" })];
    const stage = new Stage([{ ...atOnce(), points: [], zones: ["room"] }], points);
    for (const { pointId } of points) stage.see(9, { pointId });
    expect(stage.events.map((event) => event.pointId)).toEqual(["probe", "other"]);
  });

  it("leaves a switched-off rule out", () => {
    const stage = new Stage([{ ...atOnce(), enabled: false }]);
    stage.see(9);
    expect(stage.events).toEqual([]);
  });

  it.each([
    ["a point", { points: ["nowhere"] }, "alarm rule rule watches what is not there: point nowhere"],
    ["a zone", { zones: ["nowhere"] }, "alarm rule rule watches what is not there: zone nowhere"],
  ])("refuses a rule about %s that is not there", (_name, own, message) => {
    expect(() => new Stage([{ ...atOnce(), ...own }])).toThrow(message);
  });

  it("refuses two rules of one id at one point, and a snapshot that is none", () => {
    expect(() => new Stage([atOnce(), atOnce()])).toThrow("alarm rule rule is there twice");
    const stage = new Stage([atOnce()]);
    expect(parseAlarmSnapshot(stage.engine.snapshot())).toEqual(stage.engine.snapshot());
    stage.engine.snapshot = () => ({ version: 7 });
    expect(() => {
      stage.restart();
    }).toThrow("the kept state of the alarms cannot be read");
  });

  it("makes events that the wire carries unchanged", () => {
    const stage = new Stage([atOnce()]);
    stage.see(9);
    stage.acknowledge();
    stage.see(4);
    const sealedAt = { wallMs: stage.clock.nowMs(), monotonicMs: 0, bootId: "boot", synchronised: true };
    const head = { gatewayId: "gw", epoch: "0123456789abcdef", sequence: 1, previousHash: "0".repeat(64), sealedAt };
    const rest = {
      samples: [],
      findings: [],
      healthEvents: [],
      siteDescriptions: [],
      drops: [],
      receipts: [],
      changes: [],
      clockCorrections: [],
    };
    expect(decodeBatch(encodeBatch({ ...head, ...rest, alarmEvents: stage.events }))).toMatchObject({
      kind: "ok",
      value: { alarmEvents: stage.events },
    });
  });
});

type Move =
  | {
      readonly kind: "see";
      readonly value: number | null;
      readonly quality: Quality;
      readonly ageMs: number;
      readonly backfill: boolean;
    }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "hear"; readonly state: string }
  | { readonly kind: "jump"; readonly ms: number }
  | { readonly kind: "acknowledge" }
  | { readonly kind: "restart"; readonly downSeconds: number };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("see" as const),
      value: fc.option(fc.double({ min: -40, max: 40, noNaN: true })),
      quality: fc.constantFrom<Quality>("good", "good", "good", "uncertain", "bad", "stale"),
      ageMs: fc.oneof(fc.constant(0), fc.integer({ min: -1_000_000, max: 10_000_000 })),
      backfill: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 900 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("hear" as const),
      state: fc.constantFrom("ok", "offline", "starting", "frozen"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("jump" as const), ms: fc.integer({ min: -1e9, max: 1e9 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "acknowledge" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restart" as const), downSeconds: fc.integer({ min: -1e5, max: 1e6 }) }),
  },
);

async function make(stage: Stage, one: Move): Promise<void> {
  if (one.kind === "see") {
    const { value, quality, ageMs, backfill } = one;
    stage.see(value, { quality, backfill, timeMs: stage.clock.nowMs() - ageMs });
  } else if (one.kind === "wait") {
    await stage.clock.advance(one.seconds * 1_000);
    stage.events.push(...stage.engine.tick());
  } else if (one.kind === "hear") stage.hear(one.state);
  else if (one.kind === "jump") stage.clock.jumpWall(one.ms);
  else if (one.kind === "restart") stage.restart(one.downSeconds);
  else for (const { alarmId } of stage.engine.active()) stage.acknowledge(alarmId);
}

/** What is wrong with the events of one alarm, if anything. */
function problemOf(events: readonly AlarmEvent[]): string | undefined {
  const story = events.map((event) => event.transition).join(" ");
  if (!/^raised( (raised|escalated|acknowledged|returned))*( cleared)?$/.test(story)) return story;
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    if (before !== undefined && isHigher(before.priority, event.priority)) return `priority falls: ${story}`;
    if (event.transition === "raised" && event.state !== "unacknowledged") return `raised is ${event.state}`;
    if (event.explanation.code === "rule-failed") return JSON.stringify(event.explanation);
  }
  return undefined;
}

describe("whatever happens", () => {
  it("every alarm has a consistent life, and the active ones are those not cleared", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 60 }), async (moves) => {
        const stage = new Stage([
          slow,
          makeRule("no-data", { escalation: { priority: "high", afterSeconds: 3_600 } }, { id: "quiet" }),
          makeRule("camera-health", {}, { id: "camera" }),
        ]);
        for (const one of moves) await make(stage, one);
        const byAlarm = Map.groupBy(stage.events, (event) => event.alarmId);
        expect([...byAlarm.values()].map(problemOf).filter((problem) => problem !== undefined)).toEqual([]);
        const open = [...byAlarm].filter(([, events]) => events.at(-1)?.state !== "normal").map(([alarmId]) => alarmId);
        expect(new Set(stage.engine.active().map((alarm) => alarm.alarmId))).toEqual(new Set(open));
        for (const alarm of stage.engine.active()) {
          expect(byAlarm.get(alarm.alarmId)?.at(-1)).toMatchObject({ state: alarm.state, priority: alarm.priority });
        }
      }),
      { numRuns: 150 },
    );
  });

  it("good live values inside the limits end every alarm that was acknowledged", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 30 }), async (moves) => {
        const stage = new Stage([slow, makeRule("no-data", {}, { id: "quiet" })]);
        for (const one of moves) await make(stage, one);
        await stage.seeFor(3, 4);
        for (const { alarmId } of stage.engine.active()) stage.acknowledge(alarmId);
        expect(stage.engine.active()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
