import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { dialects, encodeMessage } from "./dialects.ts";
import { splitJpegs } from "./jpeg-sequence.ts";
import { createPrepRoom, objectIsThere } from "./prep-room-scene.ts";
import { scenarioSchema, World } from "./scenario.ts";

const startMs = Date.UTC(2026, 10, 22);
const scenario = scenarioSchema.parse({
  startMs,
  speed: 60,
  modelStartMs: Date.UTC(2026, 6, 15, 1),
  rooms: [
    {
      id: "store",
      preset: "frozen-store",
      seed: 5,
      traffic: false,
      failures: [{ kind: "door-left-open", afterSeconds: 600, forSeconds: 300, everySeconds: 3600 }],
    },
  ],
  sensors: [],
  plc: { intervalMs: 1000, nodes: [] },
});

describe("a scenario", () => {
  it("gives two processes the same room, however often each asks", () => {
    const often = new World(scenario, ["store"]);
    for (let second = 0; second < 60; second += 1) often.at("store", startMs + second * 1000);
    const seldom = new World(scenario, ["store"]);
    expect(seldom.at("store", startMs + 60_000)).toEqual(often.at("store", startMs + 60_000));
  });

  it("plays failures at model speed and repeats them", () => {
    const world = new World(scenario, ["store"]);
    const openAt = (wallSeconds: number): boolean => world.at("store", startMs + wallSeconds * 1000).doorOpen;
    expect([openAt(5), openAt(12), openAt(20), openAt(65), openAt(72), openAt(80)]).toEqual([
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
  });
});

describe("the prep room's camera", () => {
  const options = { startMs, appearAfterMs: 75_000, appearForMs: 40_000, everyMs: 240_000 };

  it("shows the unusual object only in its time, again in every period", () => {
    const at = (seconds: number): boolean => objectIsThere(options, startMs + seconds * 1000);
    expect([at(-10), at(74), at(76), at(116), at(316)]).toEqual([false, false, true, false, true]);
  });

  it("gives the same picture for the same time and another for the next", async () => {
    const camera = await createPrepRoom(options);
    const first = await camera(startMs);
    expect(await camera(startMs)).toEqual(first);
    expect(await camera(startMs + 500)).not.toEqual(first);
  });
});

describe("the yard's clip", () => {
  it("holds 56 complete JPEGs in at most 1.5 MB", () => {
    const data = readFileSync(join(import.meta.dirname, "../../deploy/demo/assets/yard.mjpeg"));
    const frames = splitJpegs(data);
    expect(frames).toHaveLength(56);
    for (const frame of frames) expect([...frame.subarray(-2)]).toEqual([0xff, 0xd9]);
    expect(data.length).toBeLessThan(1_500_000);
  });
});

describe("the sensors' dialects", () => {
  it.each(dialects)("%s carries what was measured", (dialect) => {
    const measured = {
      device: "probe-1",
      timeMs: startMs,
      counter: 7,
      celsius: -18.4,
      humidityPercent: 81.25,
      doorOpen: true,
    };
    const payload = encodeMessage(dialect, measured);
    expect(payload).toContain(dialect === "zigbee2mqtt-contact" ? '"contact":false' : "-18.4");
  });
});
