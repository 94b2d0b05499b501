import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

import type { AlarmEvent } from "@frostlight/contract";
import { describe, expect, it } from "vitest";

import { type ExplanationCode, explanationParameters } from "../explanation-codes.ts";
import { Room } from "../room/room.ts";
import type { ExampleStep } from "../rule.ts";
import { camera, makePoint, makeRule, pointOf, roomPoints, Stage, zone } from "../testing/stage.ts";
import { alarmRuleRegistry } from "./index.ts";

const intervalMs = 60_000;

/** Plays steps; `between` runs after every second of waiting. */
async function playSteps(
  stage: Stage,
  pointId: string,
  steps: readonly ExampleStep[],
  between: (second: number) => void = () => undefined,
) {
  let second = 0;
  for (const step of steps) {
    for (let n = 0; n < step.waitSeconds; n += 1) {
      await stage.wait(1);
      second += 1;
      between(second);
    }
    if (step.value !== undefined) stage.see(step.value, { pointId: step.point ?? pointId });
    if (step.health !== undefined) stage.hear(step.health, step.parameters);
  }
}

const lengthOf = (steps: readonly ExampleStep[]): number => steps.reduce((sum, step) => sum + step.waitSeconds, 0);

describe.each(alarmRuleRegistry.all.map((definition) => [definition.kind, definition] as const))(
  "alarm rule %s",
  (kind, definition) => {
    const { options, raising, ending } = definition.example;
    const rules = [makeRule(kind, options)];
    const point = roomPoints.find(({ pointId }) => pointId === pointOf(definition)) ?? makePoint();
    const play = (stage: Stage, steps: readonly ExampleStep[], between?: (second: number) => void): Promise<void> =>
      playSteps(stage, point.pointId, steps, between);

    it("is in the file of its name", () => {
      const file = join(import.meta.dirname, `${kind}.ts`);
      expect(readFileSync(file, "utf8")).toContain(`kind: "${kind}"`);
      expect(basename(file, ".ts")).toBe(definition.kind);
    });

    it("raises by its example, and the alarm ends by it", async () => {
      const stage = new Stage(rules, roomPoints);
      await play(stage, raising);
      expect(stage.story.slice(0, 1)).toEqual([expect.stringMatching(/^raised /)]);
      expect(stage.engine.active()).toHaveLength(1);
      await play(stage, ending);
      expect(stage.last.transition).toBe("returned");
      expect(stage.acknowledge()).toBe("done");
      expect(stage.engine.active()).toEqual([]);
      expect(stage.last).toMatchObject({ transition: "cleared", state: "normal", actor: "li" });
      expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(1);
    });

    it("explains each event with a listed code and exactly its parameters", async () => {
      const stage = new Stage(rules, roomPoints);
      await play(stage, raising);
      await play(stage, ending);
      stage.acknowledge();
      const codes: Readonly<Record<string, readonly string[]>> = explanationParameters satisfies Record<
        ExplanationCode,
        readonly string[]
      >;
      const problems = stage.events.filter(
        ({ explanation }) =>
          Object.keys(explanation.parameters).toSorted().join() !== codes[explanation.code]?.toSorted().join(),
      );
      expect(problems).toEqual([]);
      expect(stage.events.length).toBeGreaterThanOrEqual(3);
    });

    it("keeps its delays and its alarm through a restart at any time", async () => {
      const steps = [...raising, ...ending];
      const calm = new Stage(rules, roomPoints);
      await play(calm, steps);
      const total = lengthOf(steps);
      for (let cut = 7; cut < total; cut += Math.ceil(total / 25)) {
        const stage = new Stage(rules, roomPoints);
        await play(stage, steps, (second) => {
          if (second === cut) stage.restart();
        });
        const lateMs = stage.events.map((event, index) => event.timeMs - (calm.events[index]?.timeMs ?? 0));
        expect(stage.story, `restart after ${cut} s`).toEqual(calm.story);
        expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(1);
        // After a restart a value is unknown until the next sample, and short silences are not kept.
        expect(Math.min(...lateMs), `restart after ${cut} s`).toBeGreaterThanOrEqual(0);
        expect(Math.max(...lateMs), `restart after ${cut} s`).toBeLessThanOrEqual(2 * intervalMs);
      }
    });

    it("is not moved by back-filled, replayed or late samples", async () => {
      const steps = [...raising, ...ending];
      const calm = new Stage(rules, roomPoints);
      await play(calm, steps);
      const disturbed = new Stage(rules, roomPoints);
      await play(disturbed, steps, (second) => {
        const nowMs = disturbed.clock.nowMs();
        const value = second % 2 === 0 ? 90 : -80;
        disturbed.see(value, { pointId: point.pointId, backfill: true, timeMs: nowMs - second * 3_000 });
        disturbed.see(value, { pointId: point.pointId, timeMs: nowMs - 86_400_000 - second });
        disturbed.see(value, { pointId: point.pointId, timeMs: nowMs + 86_400_000 });
        if (second > 120)
          disturbed.see(value, {
            pointId: point.pointId,
            timeMs: nowMs - 1 - intervalMs * 9,
            receivedMs: nowMs,
            backfill: true,
          });
      });
      // What the past tells goes into the record beside it, complete and suppressed.
      const past = new Set(disturbed.events.filter(isLate).map(({ alarmId }) => alarmId));
      const told = disturbed.events.filter(({ alarmId }) => !past.has(alarmId));
      expect(told.map(({ transition, priority }) => `${transition} ${priority}`)).toEqual(calm.story);
      expect(told.map((event) => event.timeMs)).toEqual(calm.events.map((event) => event.timeMs));
      expect(disturbed.engine.active().map(({ state }) => state)).toEqual(
        calm.engine.active().map(({ state }) => state),
      );
    });

    it("starts quiet when the kept state has another shape", () => {
      const stage = new Stage(rules, roomPoints);
      const now = { wallMs: stage.clock.nowMs(), monotonicMs: 0 };
      const restored = { state: { from: "another version" }, downMs: 0, active: null };
      const parsed: unknown = definition.options.parse(options);
      const evaluator =
        definition.watches === "points"
          ? definition.create(parsed, point, now, restored, new Room("room"))
          : definition.watches === "zones"
            ? definition.create(parsed, zone, roomPoints, now, restored, new Room("room"))
            : definition.watches === "cameras"
              ? definition.create(parsed, camera, now, restored)
              : definition.create(parsed, now, restored);
      expect(evaluator.tick(now)).toBeNull();
      expect(evaluator.snapshot(now)).toBeUndefined();
    });
  },
);

function isLate({ context = [] }: AlarmEvent): boolean {
  return context.some(({ code }) => code === "context-suppressed-late");
}
