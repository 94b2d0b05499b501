import { beforeEach, describe, expect, it } from "vitest";

import type { DeviceMessage } from "../core/decoder.ts";
import { rawSparkplug, type SparkplugDataType, type SparkplugValue } from "../core/sparkplug/data-type.ts";
import type { SparkplugMetric } from "../core/sparkplug/payload.ts";
import { decodeSparkplug } from "../core/sparkplug/read-payload.ts";
import { encodeSparkplug } from "../core/sparkplug/write-payload.ts";
import { SparkplugConsumer, type SparkplugOutcome, type SparkplugRequest } from "./sparkplug-consumer.ts";
import { readMetric } from "./sparkplug-metric.ts";

const startMs = Date.UTC(2026, 10, 22);
let nowMs = startMs;
let consumer: SparkplugConsumer;

beforeEach(() => {
  nowMs = startMs;
  consumer = new SparkplugConsumer([{ group: "g", edgeNode: "e" }]);
});

interface MetricChoice {
  readonly name?: string;
  readonly alias?: number;
  readonly type?: SparkplugDataType;
  readonly value?: SparkplugValue | null;
  readonly changes?: Partial<SparkplugMetric>;
}

function metric({ name, alias, type = "Double", value = 1, changes = {} }: MetricChoice): SparkplugMetric {
  return {
    name: name ?? null,
    alias: alias === undefined ? null : BigInt(alias),
    timestampMs: nowMs,
    dataType: name === undefined ? null : type,
    isHistorical: false,
    isTransient: false,
    raw: value === null ? null : rawSparkplug(value, type),
    properties: new Map(),
    ...changes,
  };
}

function message(topic: string, seq: number | null, metrics: readonly SparkplugMetric[]): DeviceMessage {
  return {
    topic: `spBv1.0/g/${topic}`,
    payload: encodeSparkplug({ timestampMs: nowMs, seq, metrics }),
    receivedMs: nowMs,
    retained: false,
  };
}

function send(topic: string, seq: number | null, ...metrics: MetricChoice[]): SparkplugOutcome {
  const outcome = consumer.onMessage(message(topic, seq, metrics.map(metric)));
  if (outcome === undefined) throw new Error(`${topic} is not followed`);
  return outcome;
}

const bdSeq = (value: number): MetricChoice => ({ name: "bdSeq", type: "Int64", value });
const values = (outcome: SparkplugOutcome): unknown[] =>
  outcome.metrics.map((one) => {
    const read = readMetric(one, outcome.payloadTimeMs, { sentinels: [] });
    return read.kind === "ok" ? [one.name, read.value.value, read.value.quality, read.value.reason] : read.reason;
  });
const code = (outcome: SparkplugOutcome): string | undefined => outcome.refusal?.split(":")[0];

function expectRebirth(requests: readonly SparkplugRequest[]): void {
  expect(requests).toHaveLength(1);
  expect(requests[0]?.topic).toBe("spBv1.0/g/NCMD/e");
  const decoded = decodeSparkplug(requests[0]?.payload ?? new Uint8Array());
  expect(decoded.kind === "ok" ? decoded.value.metrics[0] : decoded).toMatchObject({
    name: "Node Control/Rebirth",
    dataType: "Boolean",
    raw: { field: "boolean", value: true },
  });
}

function born(): void {
  send("NBIRTH/e", 0, bdSeq(3), { name: "Supply", alias: 1, value: 12.3 });
  send("DBIRTH/e/freezer", 1, { name: "Temperature", alias: 2, type: "Int16", value: -18 });
}

describe("births", () => {
  it("give values, and names to the aliases of what comes after", () => {
    expect(values(send("NBIRTH/e", 0, bdSeq(3), { name: "Supply", alias: 1, value: 12.3 }))).toContainEqual([
      "Supply",
      12.3,
      "good",
      null,
    ]);
    const birth = send("DBIRTH/e/freezer", 1, { name: "Temperature", alias: 2, type: "Int16", value: -18 });
    expect(birth.place).toEqual({ group: "g", edgeNode: "e", device: "freezer" });
    expect(values(birth)).toEqual([["Temperature", -18, "good", null]]);
    expect(values(send("DDATA/e/freezer", 2, { alias: 2, type: "Int16", value: -19 }))).toEqual([
      ["Temperature", -19, "good", null],
    ]);
    expect(values(send("NDATA/e", 3, { alias: 1, value: 12.1 }))).toEqual([["Supply", 12.1, "good", null]]);
  });

  it("say what holds now, although the metric changed long ago", () => {
    const old = { timestampMs: startMs - 3_600_000 };
    const birth = send("NBIRTH/e", 0, { name: "Supply", changes: old });
    const [first] = birth.metrics;
    if (first === undefined) throw new Error("expected a metric");
    const read = readMetric(first, birth.payloadTimeMs, { sentinels: [] });
    expect(read.kind === "ok" ? read.value.sourceTimeMs : read).toBe(startMs);
  });

  it("are asked for when data come without one, at most every ten seconds", () => {
    const first = send("DDATA/e/freezer", 7, { alias: 2 });
    expect(code(first)).toBe("no-birth");
    expect(first.metrics).toEqual([]);
    expectRebirth(first.requests);
    nowMs += 9_999;
    expect(send("NDATA/e", 8, { alias: 1 }).requests).toEqual([]);
    nowMs += 1;
    expectRebirth(send("NDATA/e", 9, { alias: 1 }).requests);
  });

  it("are asked for when a device or a metric is in none", () => {
    send("NBIRTH/e", 0, bdSeq(3));
    const unborn = send("DDATA/e/freezer", 1, { alias: 2 });
    expect(code(unborn)).toBe("no-birth");
    expectRebirth(unborn.requests);
    nowMs += 20_000;
    const unknown = send("NDATA/e", 2, { alias: 99 }, { name: "never born" });
    expect(code(unknown)).toBe("unknown-metric");
    expectRebirth(unknown.requests);
  });

  it("are asked for anew when a connection came up, and nothing before counts", () => {
    born();
    expectRebirth(consumer.connected(nowMs));
    expect(code(send("DDATA/e/freezer", 2, { alias: 2 }))).toBe("no-birth");
  });

  it("of a device take the place of its earlier one", () => {
    born();
    send("DBIRTH/e/freezer", 2, { name: "Air", alias: 2, value: -20 });
    expect(values(send("DDATA/e/freezer", 3, { alias: 2, value: -21 }))).toEqual([["Air", -21, "good", null]]);
  });
});

describe("the sequence", () => {
  it("runs from 255 to 0", () => {
    send("NBIRTH/e", 254, { name: "Supply", alias: 1 });
    send("NDATA/e", 255, { alias: 1 });
    expect(send("NDATA/e", 0, { alias: 1 }).requests).toEqual([]);
  });

  it("with a gap makes aliases doubtful and asks for a birth, which ends it", () => {
    born();
    const gap = send("DDATA/e/freezer", 4, { alias: 2, type: "Int16", value: -19 }, { name: "Temperature", type: "Int16", value: -19 }); // prettier-ignore
    expectRebirth(gap.requests);
    expect(values(gap)).toEqual([
      ["Temperature", -19, "uncertain", "sequence-gap"],
      ["Temperature", -19, "good", null],
    ]);
    born();
    expect(values(send("DDATA/e/freezer", 2, { alias: 2, type: "Int16", value: -19 }))).toEqual([
      ["Temperature", -19, "good", null],
    ]);
  });
});

describe("deaths", () => {
  it("of a device end its metrics until it is born again", () => {
    born();
    expect(send("DDEATH/e/freezer", 2).gone).toBe("device");
    expect(code(send("DDATA/e/freezer", 3, { alias: 2 }))).toBe("no-birth");
    send("DBIRTH/e/freezer", 4, { name: "Temperature", alias: 2, type: "Int16", value: -17 });
    expect(send("DDATA/e/freezer", 5, { alias: 2, type: "Int16", value: -18 }).metrics).toHaveLength(1);
  });

  it("of the node end everything", () => {
    born();
    expect(send("NDEATH/e", null, bdSeq(3)).gone).toBe("node");
    expect(code(send("DDATA/e/freezer", 2, { alias: 2 }))).toBe("no-birth");
  });

  it("of an earlier connection say nothing about this one", () => {
    born();
    expect(send("NDEATH/e", null, bdSeq(2)).gone).toBe(null);
    expect(send("DDATA/e/freezer", 2, { alias: 2 }).metrics).toHaveLength(1);
  });
});

describe("a metric", () => {
  const quality = (value: number): MetricChoice => ({
    name: "T",
    value: 4,
    changes: { properties: new Map([["Quality", { dataType: "Int32", raw: rawSparkplug(value, "Int32") }]]) },
  });

  it.each([
    ["that is null", { name: "T", value: null }, [null, "bad", "no-value"]],
    ["with the quality 192", quality(192), [4, "good", null]],
    ["with the quality 0", quality(0), [null, "bad", "source-bad"]],
    ["with the quality 500", quality(500), [null, "bad", "source-stale"]],
    ["that is true", { name: "T", type: "Boolean", value: true }, [1, "good", null]],
    [
      "of a type that is no number",
      { name: "T", type: "Bytes", value: new Uint8Array(2) },
      [null, "bad", "unsupported-type"],
    ],
  ] as const)("%s", (_, choice, expected) => {
    expect(values(send("NBIRTH/e", 0, choice))).toEqual([["T", ...expected]]);
  });

  it("that is historical is back-fill with its own time", () => {
    const old = startMs - 3_600_000;
    const outcome = send("NBIRTH/e", 0, { name: "T", changes: { isHistorical: true, timestampMs: old } });
    const [first] = outcome.metrics;
    if (first === undefined) throw new Error("expected a metric");
    const read = readMetric(first, outcome.payloadTimeMs, { sentinels: [] });
    expect(read).toMatchObject({ kind: "ok", value: { backfill: true, sourceTimeMs: old } });
  });
});

it("passes over edge nodes that nobody follows, commands and STATE", () => {
  for (const topic of ["NBIRTH/other", "NCMD/e", "DCMD/e/d"]) {
    expect(consumer.onMessage(message(topic, 0, []))).toBeUndefined();
  }
  expect(consumer.onMessage({ ...message("NBIRTH/e", 0, []), topic: "spBv1.0/STATE/host" })).toBeUndefined();
});

it("refuses bytes that are no payload", () => {
  const outcome = consumer.onMessage({ ...message("NBIRTH/e", 0, []), payload: Buffer.from([0xff, 0xff]) });
  expect(outcome?.refusal).toMatch(/^not-sparkplug: /);
});
