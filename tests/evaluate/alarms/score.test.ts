import { expect, test } from "vitest";

import { plainAlarms } from "./plain.ts";
import type { EventClass, LabelledEvent, Recording } from "./recording.ts";
import { figuresOf, laterThan, tally } from "./score.ts";
import type { AlarmSpan } from "./spans.ts";

const minute = 60_000;
const at = (minutes: number): number => minutes * minute;

function recordingOf(celsius: readonly number[], events: readonly LabelledEvent[] = []): Recording {
  return {
    name: "room",
    low: null,
    high: -18,
    samples: celsius.map((value, index) => ({ timeMs: at(index), celsius: value, arrivedMs: at(index) })),
    events,
  };
}

const event = (from: number, to: number, of: EventClass): LabelledEvent => ({
  startMs: at(from),
  endMs: at(to),
  kind: of,
  class: of,
});
const span = (from: number, to: number, about: AlarmSpan["about"] = "temperature"): AlarmSpan => ({
  raisedMs: at(from),
  endedMs: at(to),
  about,
  label: "limit",
});

test("a plain limit tells at once, and with a delay only of what lasts longer than the delay", () => {
  const recording = recordingOf([-20, -18, -17, -20, -17, -20]);
  expect(plainAlarms(recording, 0).map(({ raisedMs, endedMs }) => [raisedMs, endedMs])).toEqual([
    [at(1), at(3)],
    [at(4), at(5)],
  ]);
  expect(plainAlarms(recording, 2 * minute).map(({ raisedMs }) => raisedMs)).toEqual([at(3)]);
  expect(plainAlarms(recording, 3 * minute)).toEqual([]);
});

test("a repeated time stamp does not end a breach", () => {
  const recording = {
    ...recordingOf([]),
    samples: [0, 1, 1, 2].map((m, index) => ({ timeMs: at(m), celsius: index === 2 ? -30 : -10, arrivedMs: at(m) })),
  };
  expect(plainAlarms(recording, 0)).toHaveLength(1);
});

test("the delay of an event counts from its start, and an alarm that was there before has none", () => {
  const recording = recordingOf(
    Array.from({ length: 200 }, () => -20),
    [event(10, 50, "temperature"), event(100, 150, "temperature")],
  );
  const result = tally(recording, [span(5, 20), span(130, 140)]);
  expect(result.delaysMinutes).toEqual([0, 30]);
  expect(result.nuisances).toEqual([]);
});

test("an alarm about the probe does not find a warm room, nor the other way round", () => {
  const recording = recordingOf([-20, -20], [event(0, 10, "temperature"), event(20, 30, "probe")]);
  const result = tally(recording, [span(1, 2, "probe"), span(21, 22, "temperature")]);
  expect(result.missed).toHaveLength(1);
  expect(result.probeFaultsFound).toBe(0);
});

test("an alarm in a defrost is a nuisance even where a longer stretch is of no account", () => {
  const recording = recordingOf([-20, -20], [event(0, 1000, "neutral"), event(100, 160, "quiet")]);
  expect(tally(recording, [span(110, 120), span(500, 510)]).nuisances).toEqual([span(110, 120)]);
});

test("figures of several recordings are of all their days and events together", () => {
  const calm = tally(recordingOf(Array.from({ length: 1441 }, () => -20)), [span(1, 2)]);
  const failing = tally(
    recordingOf(
      Array.from({ length: 1441 }, () => -20),
      [event(0, 100, "temperature"), event(200, 300, "temperature")],
    ),
    [span(40, 60)],
  );
  expect(figuresOf([calm, failing])).toMatchObject({
    nuisancePer30Days: 15,
    nuisances: 1,
    eventsFound: 1,
    events: 2,
    medianDelayMinutes: 40,
    worstDelayMinutes: 40,
  });
});

test("an event told later than by another method, or not at all, counts as later", () => {
  const recording = recordingOf([-20, -16, -16, -16, -20], [event(1, 3, "temperature")]);
  const [soon, late, never] = [[span(1, 3)], [span(2, 3)], []].map((spans) => tally(recording, spans));
  if (soon === undefined || late === undefined || never === undefined) throw new Error("three tallies");
  expect([laterThan(soon, late), laterThan(late, soon), laterThan(never, soon)]).toEqual([0, 1, 1]);
});
