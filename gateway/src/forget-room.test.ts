import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { HealthEvent } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it } from "vitest";

import { forgetRoom } from "./forget-room.ts";
import { LearnedFile } from "./learned-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-forget-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const request = { zoneId: "room", actor: "王 (local page)", reason: "new evaporator" };

async function rig() {
  const clock = new FakeClock();
  const file = join(folder, "alarm-learning.json");
  let lessons = ["a defrost"];
  const engine = {
    learned: () => ({ lessons }),
    learnedRevision: 1,
    rooms: () => [],
    forgetRoom: (zoneId: string) => {
      if (zoneId === "room") lessons = [];
      return zoneId === "room";
    },
  };
  const learned = await LearnedFile.open(file, clock, silentLogger);
  learned.connect(engine);
  await learned.save(true);
  const events: { readonly event: HealthEvent; readonly kept: string }[] = [];
  const recorder = {
    health: async (event: HealthEvent) => void events.push({ event, kept: await readFile(file, "utf8") }),
  };
  return { parts: { engine, learned, recorder, clock }, events, file };
}

it("forgets a room on the disk first, then records who asked for it and why", async () => {
  const { parts, events } = await rig();
  expect(await forgetRoom(request, parts)).toBe(true);
  expect(events).toEqual([
    {
      kept: JSON.stringify({ lessons: [] }),
      event: {
        subject: "room:room",
        state: "forgotten",
        timeMs: parts.clock.nowMs(),
        explanation: {
          code: "room-forgotten",
          parameters: { zone: "room", actor: "王 (local page)", reason: "new evaporator" },
        },
      },
    },
  ]);
});

it("changes and records nothing for a room that is not there", async () => {
  const { parts, events, file } = await rig();
  expect(await forgetRoom({ ...request, zoneId: "elsewhere" }, parts)).toBe(false);
  expect(events).toEqual([]);
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ lessons: ["a defrost"] });
});
