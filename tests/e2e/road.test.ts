import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import mqtt from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { freePort } from "../sims/free-port.ts";
import { Site } from "./site.ts";

const recordings = join(import.meta.dirname, "../../../shared/data/temperatures");
const mustHavePrograms = process.env["CI"] === "true";
const hasMosquitto = spawnSync("mosquitto_pub", ["--help"]).error === undefined;

interface Recorded {
  readonly timeMs: number;
  readonly celsius: number;
}

function readRecording(name: string): readonly Recorded[] {
  return readFileSync(join(recordings, `${name}.csv`), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [time = "", celsius = ""] = line.split(",");
      return { timeMs: Date.parse(time), celsius: Number(celsius) };
    });
}

/** Order of equal stamps is the order of sending. */
function inOrderOfTime(readings: readonly Recorded[]): readonly Recorded[] {
  return readings.toSorted((a, b) => a.timeMs - b.timeMs);
}

const names = [
  "celsi_freezer",
  "ruuvi_freezer",
  "sz_deepfreezer_1",
  "sz_deepfreezer_2",
  "sz_freezer_1",
  "sz_freezer_2",
  "sz_platform_1",
  "sz_platform_2",
  "nab_machine_temperature",
  "nab_ambient_temperature",
] as const;

const payloadOf = ({ timeMs, celsius }: Recorded): string =>
  JSON.stringify({ time: new Date(timeMs).toISOString(), celsius });

describe.skipIf(!existsSync(recordings))("the recordings on the whole road", () => {
  let site: Site;
  let port = 0;

  beforeAll(async () => {
    port = await freePort();
    site = await Site.create({
      name: "road",
      gateway: () => ({
        site: { name: { zh: "回放", en: "Replay" }, timeZone: "UTC" },
        zones: [{ id: "store", name: { zh: "冷库", en: "Store" }, profile: "frozen-store" }],
        sources: [{ id: "sensors", kind: "mqtt-broker", port, anonymous: true, messagesPerSecond: 1_000_000 }],
        points: [...names, "by_mosquitto"].map((name) => ({
          id: name,
          zone: "store",
          name: { zh: name, en: name },
          source: "sensors",
          validRange: { min: -100, max: 200 },
          address: { topic: `replay/${name}`, decode: { kind: "json-path", path: "celsius", timePath: "time" } },
        })),
      }),
    });
    await site.start();
  }, 60_000);

  afterAll(async () => {
    await site.stop();
  });

  /** All samples of a point once as many are there as were sent, or after half a minute. */
  async function storedOf(name: string, sent: readonly Recorded[]): Promise<readonly Recorded[]> {
    const times = inOrderOfTime(sent);
    const fromMs = times[0]?.timeMs ?? 0;
    const toMs = (times.at(-1)?.timeMs ?? 0) + 1;
    const deadlineMs = Date.now() + 30_000;
    for (;;) {
      const samples = await site.client.samples(Site.siteId, name, fromMs, toMs);
      if (samples.length >= sent.length || Date.now() > deadlineMs) {
        return samples.map(({ timeMs, value }) => ({ timeMs, celsius: value ?? Number.NaN }));
      }
      await new Promise((resolve) => void setTimeout(resolve, 300));
    }
  }

  it.each(names)(
    "%s, published by mqtt.js at speed, is in the store reading for reading",
    async (name) => {
      const recorded = readRecording(name);
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: `replay-${name}` });
      // Several in flight, in order: the broker takes them as they come.
      const waiting = new Set<Promise<unknown>>();
      for (const reading of recorded) {
        const sent = client.publishAsync(`replay/${name}`, payloadOf(reading), { qos: 1 });
        waiting.add(sent);
        void sent.finally(() => waiting.delete(sent));
        if (waiting.size >= 64) await Promise.race(waiting);
      }
      await Promise.all(waiting);
      await client.endAsync();
      expect(await storedOf(name, recorded)).toEqual(inOrderOfTime(recorded));
    },
    120_000,
  );

  it("the recording with an hour's stamps twice keeps both readings of each", () => {
    const recorded = readRecording("nab_machine_temperature");
    expect(recorded.length - new Set(recorded.map((reading) => reading.timeMs)).size).toBe(12);
  });

  it.skipIf(!hasMosquitto && !mustHavePrograms)(
    "a recording published by mosquitto_pub, line by line, is in the store reading for reading",
    async () => {
      const recorded = readRecording("celsi_freezer").slice(0, 4000);
      const args = ["-h", "127.0.0.1", "-p", String(port), "-q", "1", "-t", "replay/by_mosquitto", "-l"];
      const input = recorded.map((reading) => `${payloadOf(reading)}\n`).join("");
      const published = spawnSync("mosquitto_pub", args, { input, timeout: 60_000 });
      expect(published.status, String(published.stderr)).toBe(0);
      expect(await storedOf("by_mosquitto", recorded)).toEqual(inOrderOfTime(recorded));
    },
    120_000,
  );
});
