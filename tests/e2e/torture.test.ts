import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { join } from "node:path";

import { describe, expect, it } from "vitest";
import { z } from "zod";

const script = join(import.meta.dirname, "../torture/run.ts");
const result = z.object({
  cycles: z.number(),
  seed: z.number(),
  acknowledged: z.number(),
  stored: z.number(),
  lost: z.number(),
  unexplainedDuplicates: z.number(),
  quarantined: z.number(),
  recoverySeconds: z.object({ p50: z.number(), p99: z.number() }),
});

describe("the torture of a gateway and a server", () => {
  it.each([
    { name: "a fixed seed", seed: 3, cycles: 4 },
    { name: "a random seed", seed: randomInt(1, 2 ** 31), cycles: 3 },
  ])(
    "loses and doubles nothing with $name ($seed)",
    ({ seed, cycles }) => {
      const args = [
        "--disable-warning=ExperimentalWarning",
        script,
        "--cycles",
        String(cycles),
        "--seed",
        String(seed),
      ];
      const run = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 160_000 });
      const story = `seed ${seed}\n${run.stderr}`;
      expect(run.status, story).toBe(0);
      const last = result.parse(JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? ""));
      expect(last, story).toMatchObject({ cycles, seed, lost: 0, unexplainedDuplicates: 0 });
      expect(last.acknowledged, story).toBeGreaterThan(50);
      expect(last.stored, story).toBe(last.acknowledged);
    },
    180_000,
  );
});
