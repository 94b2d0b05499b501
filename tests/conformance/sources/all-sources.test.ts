import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { PointBinding } from "../../../gateway/src/core/source.ts";
import { sourceRegistry } from "../../../gateway/src/sources/index.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";

/** What every source promises, whatever it speaks. Examples point at peers that are not there. */
describe.each(sourceRegistry.all)("the source $kind", { timeout: 60_000 }, (definition) => {
  let context: RecordingContext;
  const example = definition.example.options as Record<string, unknown>; // examples are objects by convention
  const points: PointBinding<unknown>[] = [
    {
      pointId: "p",
      unit: "Cel",
      expectedIntervalMs: 60_000,
      address: definition.address.parse(definition.example.address),
    },
  ];
  const open = (): ReturnType<typeof definition.open> =>
    definition.open(definition.options.parse(example), points, context);

  beforeEach(async () => {
    context = await recordingContext();
  });

  afterEach(async () => {
    await context.remove();
  });

  it("takes its own example and refuses an unknown key in options and address", () => {
    const address = definition.example.address as Record<string, unknown>; // examples are objects by convention
    expect(definition.options.safeParse(example).success).toBe(true);
    expect(definition.options.safeParse({ ...example, colour: "blue" }).success).toBe(false);
    expect(definition.address.safeParse({ ...address, colour: "blue" }).success).toBe(false);
    expect(definition.options.safeParse({}).success || definition.kind === "mqtt-broker").toBe(
      definition.kind === "mqtt-broker",
    );
  });

  it("leaves `id` and `kind` to the configuration", () => {
    expect(definition.options.safeParse({ ...example, kind: definition.kind }).success).toBe(false);
    expect(definition.options.safeParse({ ...example, id: "x" }).success).toBe(false);
  });

  it("does nothing before it is started", async () => {
    open();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(context.states).toEqual([]);
  });

  it("starts without its peer, says where it stands, and stops in time, twice", async () => {
    const source = open();
    await source.start();
    expect(context.states[0]?.state).toBe("starting");
    await until("it says where it stands", () => context.lastState?.state !== "starting", 30_000);
    expect(["ok", "offline"]).toContain(context.lastState?.state);
    const startedMs = performance.now();
    await source.stop();
    await source.stop();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(context.lastState).toMatchObject({ state: "offline", code: "stopped" });
    expect(context.readings).toEqual([]);
  });

  it("stops although it was never started, or only just", async () => {
    await open().stop();
    const source = open();
    await Promise.all([source.start(), source.stop()]);
    await until("it has stopped", () => context.lastState?.code === "stopped", 30_000);
    expect(context.readings).toEqual([]);
  });

  it("gives only stable codes and texts for people", async () => {
    const source = open();
    await source.start();
    await until("it says where it stands", () => context.lastState?.state !== "starting", 30_000);
    await source.stop();
    for (const state of context.states) {
      expect(state.code).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(state.message.length).toBeGreaterThan(0);
    }
  });
});
