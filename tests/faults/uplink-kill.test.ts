import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, expect, test } from "vitest";

import { Child } from "../sims/child.ts";
import { startUplinkServer } from "../sims/uplink-server.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

test.each(["mqtt", "https"])(
  "a gateway killed again and again while it sends over %s loses nothing it acknowledged, and nothing is stored twice",
  async (transport) => {
    const folder = await mkdtemp(join(tmpdir(), "frostlight-uplink-kill-"));
    const server = await startUplinkServer();
    cleanups.push(
      () => rm(folder, { recursive: true, force: true }),
      () => server.stop(),
    );
    const acknowledged = new Set<number>();
    const run = (from: number, to: number): Child =>
      new Child({
        name: "uplink-child",
        script: join(import.meta.dirname, "../sims/uplink-child.ts"),
        args: [folder, server.httpUrl, transport, String(from), String(to)],
        logFile: join(folder, "child.log"),
      });
    for (let life = 0; life < 4; life += 1) {
      const child = run(life * 1_000_000 + 1, life * 1_000_000 + 999_999);
      const before = server.stored.length;
      while (server.stored.length < before + 40) await new Promise((resolve) => setTimeout(resolve, 10));
      await child.kill();
      await child.ended;
      for (const line of child.lastLines(1_000_000)) if (/^\d+$/.test(line)) acknowledged.add(Number(line));
    }
    const last = run(1, 0);
    await last.waitFor("everything to be released", (line) => (line === "released" ? line : undefined), 60_000);
    await last.ended;
    const values = server.stored.flatMap((batch) => batch.samples.map(({ value }) => value ?? Number.NaN));
    expect(acknowledged.size).toBeGreaterThan(160);
    expect([...acknowledged].filter((value) => !values.includes(value))).toEqual([]);
    expect(new Set(values).size).toBe(values.length);
  },
  120_000,
);
