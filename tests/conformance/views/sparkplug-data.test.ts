import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { until } from "../sources/harness.ts";
import { isInstalled } from "../sources/mosquitto.ts";
import { bdSeqOf, edgeNode, group, type Heard, Host, metricOf, qualityOf, ViewRig, valueOf } from "./rig.ts";

const hasMosquitto = isInstalled("mosquitto");

const seqsOf = (heard: readonly Heard[]): (number | null)[] =>
  heard.filter(({ topic }) => topic.type !== "NDEATH").map(({ payload }) => payload.seq);

const isRising = (seqs: readonly (number | null)[]): boolean =>
  seqs.every((seq, index) => index === 0 || seq === ((seqs[index - 1] ?? -1) + 1) % 256);

describe.skipIf(!hasMosquitto && process.env["CI"] !== "true")("data and commands of the Sparkplug B view", () => {
  let rig: ViewRig;
  let host: Host;

  beforeEach(async () => {
    rig = await ViewRig.create();
    host = await Host.connect(rig.broker.port);
    await rig.sample("freezer.air", -18);
    await rig.start();
    await host.waitFor("DBIRTH");
  });

  afterEach(async () => {
    await host.end();
    await rig.remove();
  });

  it("[tck-id-topics-ddata-topic] [tck-id-topics-ddata-mqtt] [tck-id-topics-ddata-seq-num] [tck-id-topics-ddata-timestamp] [tck-id-topics-ddata-payload] [tck-id-payloads-ddata-qos] [tck-id-payloads-ddata-retain] [tck-id-payloads-ddata-seq] [tck-id-payloads-ddata-seq-inc] [tck-id-payloads-ddata-timestamp] [tck-id-payloads-ddata-order] [tck-id-payloads-alias-data-cmd-requirement] [tck-id-payloads-metric-datatype-not-req] a sample that became durable goes out as DDATA with its alias, its own time, and the next sequence number", async () => {
    const sample = await rig.sample("freezer.air", -17.5);
    const [data] = await host.waitFor("DDATA");
    const onWire = rig.tap.publishes().at(-1);
    expect(onWire).toMatchObject({ topic: `spBv1.0/${group}/DDATA/${edgeNode}/freezer`, qos: 0, retain: false });
    expect(data?.payload.seq).toBe(2);
    expect(data?.payload.timestampMs).not.toBeNull();
    const alias = metricOf(host.of("DBIRTH")[0], "freezer.air")?.alias;
    expect(data?.payload.metrics).toMatchObject([
      { name: null, alias, dataType: null, timestampMs: sample.timeMs, isHistorical: false, raw: { value: -17.5 } },
    ]);
  });

  it("[tck-id-principles-rbe-recommended] [tck-id-operational-behavior-data-publish-dbirth-change] what did not change is not said again, a change of quality is", async () => {
    await rig.sample("freezer.air", -18);
    await rig.sample("freezer.air", null);
    await rig.sample("freezer.air", null);
    await rig.sample("freezer.air", -18);
    const data = await host.waitFor("DDATA", 2);
    const said = data.map(({ payload }) => [valueOf(payload.metrics[0]), qualityOf(payload.metrics[0])]);
    expect(said).toEqual([
      [null, 0],
      [-18, 192],
    ]);
    expect(data).toHaveLength(2);
  });

  it("[tck-id-payloads-sequence-num-always-included] [tck-id-payloads-sequence-num-incrementing] [tck-id-payloads-ndata-seq-inc] sequence numbers run on over node and device messages and from 255 to 0", async () => {
    await rig.sample("fridge.air", 4);
    for (let n = 0; n < 300; n += 1) await rig.sample(n % 2 === 0 ? "freezer.air" : "fridge.air", n / 10);
    rig.alarms = { critical: 1, high: 0, warning: 0 };
    await host.waitFor("NDATA");
    await host.waitFor("DDATA", 300);
    const seqs = seqsOf(host.heard);
    expect(seqs.slice(0, 3)).toEqual([0, 1, 2]);
    expect(seqs).toContain(255);
    expect(isRising(seqs)).toBe(true);
    expect(host.outcomes.map(({ refusal }) => refusal).filter((refusal) => refusal !== null)).toEqual([]);
    expect(host.outcomes.flatMap(({ requests }) => requests)).toEqual([]);
  });

  it("[tck-id-topics-ndata-topic] [tck-id-topics-ndata-mqtt] [tck-id-topics-ndata-seq-num] [tck-id-topics-ndata-timestamp] [tck-id-topics-ndata-payload] [tck-id-payloads-ndata-qos] [tck-id-payloads-ndata-retain] [tck-id-payloads-ndata-seq] [tck-id-payloads-ndata-timestamp] [tck-id-payloads-ndata-order] [tck-id-operational-behavior-data-publish-nbirth-change] the number of open alarms is the node's own data, sent when it changes", async () => {
    rig.alarms = { critical: 0, high: 2, warning: 0 };
    const [data] = await host.waitFor("NDATA");
    expect(rig.tap.publishes().at(-1)).toMatchObject({
      topic: `spBv1.0/${group}/NDATA/${edgeNode}`,
      qos: 0,
      retain: false,
    });
    const alias = metricOf(host.of("NBIRTH")[0], "Alarms/High")?.alias;
    expect(data?.payload.metrics).toMatchObject([{ name: null, alias, raw: { field: "int", value: 2 } }]);
    expect(data?.payload.seq).toBe(2);
    expect(data?.payload.timestampMs).not.toBeNull();
  });

  it("marks what a device had buffered, or what comes late, as historical", async () => {
    const nowMs = Date.now();
    await rig.sample("freezer.air", -17, { timeMs: nowMs });
    await rig.sample("freezer.air", -25, { timeMs: nowMs - 600_000, hasSourceTime: true, backfill: true });
    await rig.sample("freezer.air", -16, { timeMs: nowMs + 10 });
    const data = await host.waitFor("DDATA", 3);
    const said = data.map(({ payload }) => [valueOf(payload.metrics[0]), payload.metrics[0]?.isHistorical]);
    expect(said).toEqual([
      [-17, false],
      [-25, true],
      [-16, false],
    ]);
  });

  it("[tck-id-operational-behavior-device-ddeath] [tck-id-topics-ddeath-topic] [tck-id-topics-ddeath-mqtt] [tck-id-topics-ddeath-seq-num] [tck-id-payloads-ddeath-seq] [tck-id-payloads-ddeath-seq-inc] [tck-id-payloads-ddeath-seq-number] [tck-id-payloads-ddeath-timestamp] a zone of which nothing is known any more dies, and is born again with its next sample", async () => {
    await rig.sample("freezer.door", 0);
    await rig.sample("freezer.air", null, { quality: "stale", reason: "no-data" });
    const [, stale] = await host.waitFor("DDATA", 2);
    expect([valueOf(stale?.payload.metrics[0]), qualityOf(stale?.payload.metrics[0])]).toEqual([null, 500]);
    expect(host.of("DDEATH")).toEqual([]);
    await rig.sample("freezer.door", null, { quality: "stale", reason: "no-data" });
    const [death] = await host.waitFor("DDEATH");
    expect(death?.topic).toMatchObject({ group, edgeNode, device: "freezer" });
    const onWire = rig.tap.publishes().find(({ topic }) => topic.includes("/DDEATH/"));
    expect(onWire).toMatchObject({ qos: 0, retain: false });
    expect(death?.payload.timestampMs).not.toBeNull();
    await rig.sample("freezer.air", -19);
    const births = await host.waitFor("DBIRTH", 2, "freezer");
    expect(valueOf(metricOf(births[1], "freezer.air"))).toBe(-19);
    expect(isRising(seqsOf(host.heard))).toBe(true);
  });

  it("[tck-id-operational-behavior-data-commands-rebirth-action-1] [tck-id-operational-behavior-data-commands-rebirth-action-2] [tck-id-operational-behavior-data-commands-rebirth-action-3] on a rebirth request it is born again completely, with the bdSeq of its connection and sequence 0", async () => {
    await rig.sample("fridge.air", 4);
    await host.waitFor("DBIRTH", 1, "fridge");
    const before = host.heard.length;
    await host.command();
    await host.waitFor("DBIRTH", 2, "fridge");
    const after = host.heard.slice(before);
    expect(after.map(({ topic, payload }) => [topic.type, topic.device, payload.seq])).toEqual([
      ["NBIRTH", null, 0],
      ["DBIRTH", "freezer", 1],
      ["DBIRTH", "fridge", 2],
    ]);
    expect(bdSeqOf(after[0]?.payload)).toBe(0);
    expect(rig.tap.connections).toBe(1);
  });

  it("answers a storm of rebirth requests with one birth at once and one at the end of the interval, and loses no data", async () => {
    await rig.view.stop();
    await rig.start({ rebirthIntervalSeconds: 1 });
    await host.waitFor("NBIRTH", 2);
    const before = host.of("NBIRTH").length;
    for (let n = 0; n < 200; n += 1) {
      await host.command();
      if (n % 20 === 0) await rig.sample("freezer.air", n);
    }
    await until("the second birth came", () => host.of("NBIRTH").length >= before + 2);
    await until("the data goes on", async () => {
      await rig.sample("freezer.air", Date.now() % 1_000);
      return host.outcomes.at(-1)?.metrics[0]?.name === "freezer.air" && host.heard.at(-1)?.topic.type === "DDATA";
    });
    expect(host.of("NBIRTH").length - before).toBeLessThanOrEqual(3);
    const values = host.outcomes.flatMap(({ metrics }) => metrics.map((metric) => valueOf(metric)));
    for (let n = 0; n < 200; n += 20) expect(values).toContain(n);
    expect(host.outcomes.map(({ refusal }) => refusal).filter((refusal) => refusal !== null)).toEqual([]);
  });

  it.each([
    ["another metric", { name: "Node Control/Reboot" }],
    ["Rebirth = false", { raw: { field: "boolean", value: false } as const }],
    ["Rebirth of another type", { dataType: "Int32", raw: { field: "int", value: 1 } } as const],
  ])("does not obey %s, and counts it", async (_, metric) => {
    await host.command(metric);
    await until("it was counted", () => rig.view.status().refusedCommands === 1);
    await rig.sample("freezer.air", -10);
    await host.waitFor("DDATA");
    expect(host.of("NBIRTH")).toHaveLength(1);
  });
});
