import { readFile } from "node:fs/promises";

import { seededRandom } from "@frostlight/kernel/testing";
import { z } from "zod";

import {
  ColdRoom,
  type PlannedFailure,
  presets,
  type PresetName,
  roomFailureKinds,
  type RoomSnapshot,
} from "./cold-room/index.ts";
import { dialects } from "./dialects.ts";

const isPreset = (name: string): name is PresetName => name in presets;
const seconds = z.number().min(0);
/** A thing that happens once, or again and again. Model seconds after the scenario's start. */
const planned = { afterSeconds: seconds, everySeconds: z.number().positive().optional() };

/** What a set of simulator processes plays: all of them build the same rooms from it, so they agree. */
export const scenarioSchema = z.strictObject({
  /** When it began, on the wall clock. */
  startMs: z.int(),
  /** Model seconds per wall second; samples are still sent at wall time. */
  speed: z.number().positive(),
  /** The model's own date at the start: season and hour of day. */
  modelStartMs: z.int(),
  rooms: z.array(
    z.strictObject({
      id: z.string().min(1),
      preset: z.string().refine(isPreset, `expected one of ${Object.keys(presets).join(", ")}`),
      seed: z.int(),
      traffic: z.boolean().default(true),
      /** Model hours run before the start, so that it begins in full swing. */
      warmUpHours: z.number().min(0).default(12),
      failures: z
        .array(z.strictObject({ kind: z.enum(roomFailureKinds), forSeconds: seconds, ...planned }))
        .default([]),
      defrosts: z.array(z.strictObject(planned)).default([]),
    }),
  ),
  sensors: z.array(
    z.strictObject({
      id: z.string().min(1),
      room: z.string().min(1),
      dialect: z.enum(dialects),
      topic: z.string().min(1),
      intervalMs: z.int().positive(),
    }),
  ),
  plc: z.strictObject({
    intervalMs: z.int().positive(),
    nodes: z.array(
      z.strictObject({
        name: z.string().min(1),
        room: z.string().min(1),
        measure: z.enum(["air", "coil", "compressor", "defrost", "door"]),
      }),
    ),
  }),
});
export type Scenario = z.output<typeof scenarioSchema>;

export async function readScenario(file: string): Promise<Scenario> {
  return scenarioSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

const hourMs = 3_600_000;
/** Repeated plans are laid out this far, model time. */
const horizonMs = 400 * 24 * hourMs;

/** The rooms of a scenario, asked by wall time. */
export class World {
  readonly #scenario: Scenario;
  readonly #rooms: ReadonlyMap<string, ColdRoom>;

  constructor(scenario: Scenario, roomIds: readonly string[]) {
    this.#scenario = scenario;
    this.#rooms = new Map(
      scenario.rooms.filter((room) => roomIds.includes(room.id)).map((room) => [room.id, makeRoom(scenario, room)]),
    );
  }

  /** The room as it is at a wall time; never goes back. */
  at(roomId: string, wallMs: number): RoomSnapshot {
    const room = this.#rooms.get(roomId);
    if (room === undefined) throw new Error(`no room "${roomId}" in the scenario`);
    const { startMs, speed, modelStartMs } = this.#scenario;
    return room.advanceTo(modelStartMs + (wallMs - startMs) * speed);
  }
}

function makeRoom(scenario: Scenario, room: Scenario["rooms"][number]): ColdRoom {
  const { modelStartMs } = scenario;
  return new ColdRoom({
    parameters: presets[room.preset],
    random: seededRandom(room.seed),
    startMs: modelStartMs - room.warmUpHours * hourMs,
    traffic: room.traffic,
    failures: room.failures.flatMap((failure) =>
      timesOf(failure, modelStartMs).map((startMs): PlannedFailure => ({
        kind: failure.kind,
        startMs,
        endMs: startMs + failure.forSeconds * 1000,
      })),
    ),
    defrostsAtMs: room.defrosts.flatMap((defrost) => timesOf(defrost, modelStartMs)),
  });
}

function timesOf(
  plan: { readonly afterSeconds: number; readonly everySeconds?: number | undefined },
  modelStartMs: number,
): readonly number[] {
  const first = modelStartMs + plan.afterSeconds * 1000;
  if (plan.everySeconds === undefined) return [first];
  const stepMs = plan.everySeconds * 1000;
  return Array.from({ length: Math.ceil(horizonMs / stepMs) }, (_, index) => first + index * stepMs);
}
