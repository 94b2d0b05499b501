import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { mqttBroker, MqttBroker } from "../../../gateway/src/sources/mqtt-broker.ts";
import { mqttPoint, type RecordingContext, recordingContext } from "./harness.ts";
import { isInstalled, mosquittoPub } from "./mosquitto.ts";

const folder = resolve(import.meta.dirname, "../../../../shared/data/temperatures");
const isThere = existsSync(folder);
if (!isThere) console.warn(`${folder} is missing: the tests with recordings are skipped`);
const hasMosquitto = isInstalled("mosquitto_pub");
const recordings = isThere
  ? readdirSync(folder).filter((file) => /^[a-z0-9_]+\.csv$/.test(file) && file !== "points.csv")
  : [];

/** Enough of each to meet its steps back, bursts and gaps without replaying a year in every test run. */
const maxRows = 4_000;

interface Row {
  readonly time: string;
  readonly celsius: string;
}

function readRecording(file: string): Row[] {
  const [, ...lines] = readFileSync(join(folder, file), "utf8").trim().split("\n");
  return lines.slice(0, maxRows).map((line) => {
    const [time = "", celsius = ""] = line.trim().split(",");
    return { time, celsius };
  });
}

const message = ({ time, celsius }: Row): string => `{"time":"${time}","celsius":${celsius}}`;
const expected = (rows: readonly Row[]): [number, number][] =>
  rows.map((row) => [Date.parse(row.time), Number(row.celsius)]);

describe.skipIf(!isThere)("recordings of real rooms, replayed", () => {
  let context: RecordingContext;
  let broker: MqttBroker;

  beforeEach(async () => {
    context = await recordingContext();
    const decode = { kind: "json-path", path: "celsius", timePath: "time", unit: "Cel" };
    const points = recordings.map((file) => mqttPoint(file, `recording/${file}`, decode));
    const options = { port: 0, anonymous: true, messagesPerSecond: 100_000 };
    broker = new MqttBroker(mqttBroker.options.parse(options), points, context);
    await broker.start();
  });

  afterEach(async () => {
    await broker.stop();
    await context.remove();
  });

  const received = (file: string): [number | null, number | null][] =>
    context.readings
      .filter((reading) => reading.pointId === file)
      .map((reading) => [reading.sourceTimeMs, reading.value]);

  it("arrive through mqtt.js each reading once, values and times equal", { timeout: 180_000 }, async () => {
    const client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    for (const file of recordings) {
      const rows = readRecording(file);
      for (let from = 0; from < rows.length; from += 500) {
        const part = rows.slice(from, from + 500);
        await Promise.all(part.map((row) => client.publishAsync(`recording/${file}`, message(row), { qos: 1 })));
      }
      expect(received(file)).toEqual(expected(rows));
    }
    await client.endAsync();
    expect(recordings.length).toBeGreaterThanOrEqual(10);
    expect(context.refusals).toEqual([]);
    // Years old: they complete the record and never count as live.
    expect(context.readings.every((reading) => reading.quality === "good" && reading.backfill)).toBe(true);
  });

  it.skipIf(!hasMosquitto && process.env["CI"] !== "true").each([1, 2])(
    "arrive through mosquitto_pub with QoS %d each reading once, values and times equal",
    { timeout: 120_000 },
    async (qos) => {
      const file = "ruuvi_freezer.csv";
      const other = "celsi_freezer.csv";
      const some = readRecording(other).slice(0, 2_000);
      await mosquittoPub(broker.port ?? 0, `recording/${file}`, readRecording(file).map(message), qos);
      await mosquittoPub(broker.port ?? 0, `recording/${other}`, some.map(message), qos);
      expect(received(file)).toEqual(expected(readRecording(file)));
      expect(received(other)).toEqual(expected(some));
      expect(context.refusals).toEqual([]);
    },
  );
});
