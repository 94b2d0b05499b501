import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { inferenceOptions, type MachineState, MachineWatch, readMachine } from "./machine-watch.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "frostlight-sys-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function thermalZone(index: number, text: string): Promise<void> {
  const folder = join(root, "class/thermal", `thermal_zone${index}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "temp"), text);
}

describe("what the machine says of itself", () => {
  it("is the hottest credible sensor and the share of the processors the control group gives", async () => {
    await thermalZone(0, "61250\n");
    await thermalZone(1, "78500\n");
    await thermalZone(2, "-274000\n");
    await mkdir(join(root, "fs/cgroup"), { recursive: true });
    await writeFile(join(root, "fs/cgroup/cpu.max"), "50000 100000\n");
    expect(await readMachine(root)).toEqual({ celsius: 78.5, processors: 0.5 });
  });

  it("is unknown where there is no sensor and no limit", async () => {
    expect(await readMachine(root)).toEqual({ celsius: null, processors: null });
    await mkdir(join(root, "fs/cgroup"), { recursive: true });
    await writeFile(join(root, "fs/cgroup/cpu.max"), "max 100000\n");
    expect(await readMachine(root)).toEqual({ celsius: null, processors: null });
  });
});

describe("the machine watch", () => {
  it("takes work back as the machine gets hot, and gives it again when it has cooled", async () => {
    const clock = new FakeClock();
    let now: MachineState = { celsius: 60, processors: 4 };
    const options = inferenceOptions.parse({ maxLoad: 0.8 });
    const watch = new MachineWatch({ options, read: () => Promise.resolve(now), clock, logger: silentLogger });
    await watch.start();
    expect(watch.status()).toMatchObject({ loadLimit: 0.8, easedBy: null, celsius: 60 });
    for (const [celsius, loadLimit, easedBy] of [
      [80, 0.5, "heat"],
      [92, 0.2, "heat"],
      [70, 0.8, null],
    ] as const) {
      now = { celsius, processors: 4 };
      await clock.advance(10_000);
      expect(watch.status()).toMatchObject({ easedBy, celsius });
      expect(watch.status().loadLimit).toBeCloseTo(loadLimit);
    }
    now = { celsius: null, processors: 0.5 };
    await clock.advance(10_000);
    expect(watch.status()).toMatchObject({ loadLimit: 0.4, easedBy: "processor" });
    await watch.stop();
  });
});
