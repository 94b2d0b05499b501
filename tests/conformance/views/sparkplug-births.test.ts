import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { zoneConfig } from "../../../gateway/src/config/site.ts";
import { interpretSparkplug } from "../../../gateway/src/core/sparkplug/data-type.ts";
import { until } from "../sources/harness.ts";
import { isInstalled } from "../sources/mosquitto.ts";
import { bdSeqOf, decoded, edgeNode, group, Host, metricOf, qualityOf, ViewRig, valueOf } from "./rig.ts";

const hasMosquitto = isInstalled("mosquitto");
if (!hasMosquitto) console.warn("mosquitto is not installed: the Sparkplug B view is not tested");

describe.skipIf(!hasMosquitto && process.env["CI"] !== "true")("a session of the Sparkplug B view", () => {
  let rig: ViewRig;
  let host: Host;

  beforeEach(async () => {
    rig = await ViewRig.create();
    host = await Host.connect(rig.broker.port);
  });

  afterEach(async () => {
    await host.end();
    await rig.remove();
  });

  it("[tck-id-message-flow-edge-node-birth-publish-will-message] [tck-id-message-flow-edge-node-birth-publish-will-message-topic] [tck-id-message-flow-edge-node-birth-publish-will-message-payload] [tck-id-message-flow-edge-node-birth-publish-will-message-qos] [tck-id-message-flow-edge-node-birth-publish-will-message-will-retained] [tck-id-payloads-ndeath-will-message] [tck-id-payloads-ndeath-will-message-qos] [tck-id-payloads-ndeath-will-message-retain] [tck-id-topics-ndeath-topic] [tck-id-topics-ndeath-payload] [tck-id-topics-ndeath-seq] [tck-id-payloads-ndeath-seq] CONNECT carries the NDEATH as its will: QoS 1, not retained, the bdSeq alone, no sequence number", async () => {
    await rig.start();
    await host.waitFor("NBIRTH");
    const [connect] = rig.tap.connects();
    expect(connect).toMatchObject({ hasWill: true, willQos: 1, willRetain: false });
    expect(connect?.willTopic).toBe(`spBv1.0/${group}/NDEATH/${edgeNode}`);
    const will = decoded(connect?.willPayload ?? new Uint8Array());
    expect(will.seq).toBeNull();
    expect(will.metrics.map((metric) => [metric.name, metric.dataType])).toEqual([["bdSeq", "Int64"]]);
  });

  it.each([
    ["3.1.1", "[tck-id-principles-persistence-clean-session-311] the session is clean"],
    [
      "5",
      "[tck-id-principles-persistence-clean-session-50] the start is clean and the session ends with the connection",
    ],
  ])("MQTT %s: %s", async (version) => {
    await rig.start({ version });
    await host.waitFor("NBIRTH");
    const [connect] = rig.tap.connects();
    expect(connect).toMatchObject({ protocolLevel: version === "5" ? 5 : 4, cleanSession: true });
    expect(connect?.sessionExpirySeconds).toBe(version === "5" ? 0 : undefined);
  });

  it("[tck-id-message-flow-edge-node-ncmd-subscribe] [tck-id-message-flow-edge-node-birth-publish-connect] [tck-id-principles-birth-certificates-order] it subscribes to its commands at QoS 1 and publishes nothing before its births", async () => {
    await rig.sample("freezer.air", -18);
    await rig.start();
    await host.waitFor("DBIRTH");
    const types = rig.tap.packets.map(({ type }) => type);
    expect(types.slice(0, 4)).toEqual(["CONNECT", "SUBSCRIBE", "PUBLISH", "PUBLISH"]);
    const filter = Buffer.from(`spBv1.0/${group}/NCMD/${edgeNode}`);
    expect(rig.tap.packets[1]?.body.subarray(4)).toEqual(Buffer.concat([filter, Buffer.from([1])]));
    expect(rig.tap.publishes()[0]?.topic).toBe(`spBv1.0/${group}/NBIRTH/${edgeNode}`);
  });

  it("[tck-id-topics-nbirth-topic] [tck-id-topics-nbirth-mqtt] [tck-id-topics-nbirth-seq-num] [tck-id-topics-nbirth-timestamp] [tck-id-topics-nbirth-metric-reqs] [tck-id-topics-nbirth-metrics] [tck-id-topics-nbirth-bdseq-included] [tck-id-topics-nbirth-rebirth-metric] [tck-id-payloads-nbirth-qos] [tck-id-payloads-nbirth-retain] [tck-id-payloads-nbirth-seq] [tck-id-payloads-nbirth-timestamp] [tck-id-payloads-nbirth-bdseq] [tck-id-payloads-nbirth-rebirth-req] [tck-id-payloads-sequence-num-req-nbirth] [tck-id-message-flow-edge-node-birth-publish-nbirth-topic] [tck-id-message-flow-edge-node-birth-publish-nbirth-payload] [tck-id-message-flow-edge-node-birth-publish-nbirth-payload-seq] [tck-id-message-flow-edge-node-birth-publish-nbirth-qos] [tck-id-message-flow-edge-node-birth-publish-nbirth-retained] [tck-id-operational-behavior-data-commands-rebirth-name] [tck-id-operational-behavior-data-commands-rebirth-name-aliases] [tck-id-operational-behavior-data-commands-rebirth-datatype] [tck-id-operational-behavior-data-commands-rebirth-value] [tck-id-operational-behavior-data-publish-nbirth] [tck-id-operational-behavior-data-publish-nbirth-values] the NBIRTH has sequence 0, a time, bdSeq, Node Control/Rebirth = false, and all metrics of the node", async () => {
    const beforeMs = Date.now();
    rig.alarms = { critical: 1, high: 0, warning: 2 };
    await rig.start();
    const [birth] = await host.waitFor("NBIRTH");
    const [onWire] = rig.tap.publishes();
    expect(onWire).toMatchObject({ topic: `spBv1.0/${group}/NBIRTH/${edgeNode}`, qos: 0, retain: false });
    expect(birth?.payload.seq).toBe(0);
    expect(birth?.payload.timestampMs).toBeGreaterThanOrEqual(beforeMs);
    expect(birth?.payload.metrics.map((metric) => [metric.name, metric.dataType, valueOf(metric)])).toEqual([
      ["bdSeq", "Int64", 0],
      ["Node Control/Rebirth", "Boolean", false],
      ["Node Info/Gateway", "String", "gw-test"],
      ["Node Info/Software", "String", "0.0.1"],
      ["Alarms/Critical", "Int32", 1],
      ["Alarms/High", "Int32", 0],
      ["Alarms/Warning", "Int32", 2],
    ]);
    expect(metricOf(birth, "Node Control/Rebirth")?.alias).toBeNull();
  });

  it("[tck-id-topics-dbirth-topic] [tck-id-topics-dbirth-mqtt] [tck-id-topics-dbirth-seq] [tck-id-topics-dbirth-timestamp] [tck-id-topics-dbirth-metric-reqs] [tck-id-topics-dbirth-metrics] [tck-id-payloads-dbirth-qos] [tck-id-payloads-dbirth-retain] [tck-id-payloads-dbirth-seq] [tck-id-payloads-dbirth-seq-inc] [tck-id-payloads-dbirth-timestamp] [tck-id-payloads-dbirth-order] [tck-id-message-flow-device-birth-publish-nbirth-wait] [tck-id-message-flow-device-birth-publish-dbirth-topic] [tck-id-message-flow-device-birth-publish-dbirth-match-edge-node-topic] [tck-id-message-flow-device-birth-publish-dbirth-payload] [tck-id-message-flow-device-birth-publish-dbirth-payload-seq] [tck-id-message-flow-device-birth-publish-dbirth-qos] [tck-id-message-flow-device-birth-publish-dbirth-retained] [tck-id-operational-behavior-data-publish-dbirth] [tck-id-operational-behavior-data-publish-dbirth-values] [tck-id-topic-structure] [tck-id-topic-structure-namespace-a] [tck-id-topic-structure-namespace-device-id-associated-message-types] [tck-id-topic-structure-namespace-device-id-non-associated-message-types] [tck-id-topic-structure-namespace-unique-device-id] each zone of which something is known follows as a DBIRTH with all its points, what is unknown as null and stale", async () => {
    await rig.sample("freezer.air", -18.5);
    await rig.start();
    const births = await host.waitFor("DBIRTH");
    expect(rig.tap.publishes().map(({ topic, qos, retain }) => [topic, qos, retain])).toEqual([
      [`spBv1.0/${group}/NBIRTH/${edgeNode}`, 0, false],
      [`spBv1.0/${group}/DBIRTH/${edgeNode}/freezer`, 0, false],
    ]);
    expect(births[0]?.payload.seq).toBe(1);
    expect(births[0]?.payload.timestampMs).not.toBeNull();
    const air = metricOf(births[0], "freezer.air");
    const door = metricOf(births[0], "freezer.door");
    expect([air?.dataType, valueOf(air), qualityOf(air)]).toEqual(["Double", -18.5, 192]);
    expect([door?.dataType, valueOf(door), qualityOf(door)]).toEqual(["Double", null, 500]);
    expect(births[0]?.payload.metrics.map(({ name }) => name).toSorted()).toEqual(["freezer.air", "freezer.door"]);
  });

  it("[tck-id-payloads-alias-uniqueness] [tck-id-payloads-alias-birth-requirement] [tck-id-payloads-name-requirement] [tck-id-payloads-metric-datatype-req] [tck-id-payloads-metric-datatype-value] [tck-id-payloads-metric-datatype-value-type] [tck-id-payloads-name-birth-data-requirement] [tck-id-payloads-metric-timestamp-in-UTC] [tck-id-payloads-timestamp-in-UTC] [tck-id-operational-behavior-data-publish-nbirth-order] [tck-id-operational-behavior-data-publish-dbirth-order] births name every metric with type, time and an alias of its own, in the order of their times", async () => {
    const nowMs = Date.now();
    await rig.sample("freezer.door", 0, { timeMs: nowMs - 10_000 });
    await rig.sample("freezer.air", -18, { timeMs: nowMs - 20_000 });
    await rig.sample("fridge.air", 4);
    await rig.start();
    await host.waitFor("DBIRTH", 2);
    const metrics = host.heard.flatMap(({ payload }) => payload.metrics);
    const named = new Set(["bdSeq", "Node Control/Rebirth"]);
    const aliased = metrics.filter(({ name }) => name !== null && !named.has(name));
    expect(aliased.every(({ alias }) => alias !== null)).toBe(true);
    expect(new Set(aliased.map(({ alias }) => alias)).size).toBe(aliased.length);
    expect(
      metrics.every(({ name, dataType, timestampMs }) => name !== null && dataType !== null && timestampMs !== null),
    ).toBe(true);
    const freezer = host.of("DBIRTH", "freezer")[0]?.payload.metrics ?? [];
    expect(freezer.map(({ name, timestampMs }) => [name, timestampMs])).toEqual([
      ["freezer.air", nowMs - 20_000],
      ["freezer.door", nowMs - 10_000],
    ]);
  });

  it("[tck-id-payloads-propertyset-quality-value-type] [tck-id-payloads-propertyset-quality-value-value] [tck-id-payloads-propertyset-keys-array-size] [tck-id-payloads-propertyset-values-array-size] [tck-id-payloads-metric-propertyvalue-type-type] [tck-id-payloads-metric-propertyvalue-type-value] [tck-id-payloads-metric-propertyvalue-type-req] properties tell unit, name, quality (0, 192 or 500) and the reason", async () => {
    await rig.sample("freezer.air", -18);
    await rig.sample("freezer.door", null);
    await rig.sample("fridge.air", 5, { quality: "uncertain", reason: "source-time-implausible" });
    await rig.start();
    await host.waitFor("DBIRTH", 2);
    const properties = (device: string, metric: string): unknown[] =>
      [...(metricOf(host.of("DBIRTH", device)[0], metric)?.properties ?? [])].map(([key, { dataType, raw }]) => [
        key,
        dataType,
        raw === null ? null : interpretSparkplug(raw, dataType),
      ]);
    const name = ["documentation", "String", "空气 / Air"];
    const unit = ["engUnit", "String", "°C"];
    expect(properties("freezer", "freezer.air")).toEqual([
      name,
      unit,
      ["Quality", "Int32", 192],
      ["Reason", "String", null],
    ]);
    expect(properties("freezer", "freezer.door")).toEqual([
      name,
      ["Quality", "Int32", 0],
      ["Reason", "String", "sensor-fault"],
    ]);
    expect(properties("fridge", "fridge.air")).toEqual([
      name,
      unit,
      ["Quality", "Int32", 0],
      ["Reason", "String", "source-time-implausible"],
    ]);
  });

  it("[tck-id-topics-nbirth-bdseq-increment] [tck-id-topics-nbirth-bdseq-matching] [tck-id-payloads-nbirth-bdseq-repeat] [tck-id-payloads-ndeath-bdseq] [tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq] [tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq] bdSeq begins at 0, grows by one with each CONNECT, also over restarts, and is the same in will and birth", async () => {
    await rig.start();
    await host.waitFor("NBIRTH");
    rig.tap.cut();
    await host.waitFor("NBIRTH", 2);
    await rig.view.stop();
    await rig.start();
    const births = await host.waitFor("NBIRTH", 3);
    expect(births.map(({ payload }) => bdSeqOf(payload))).toEqual([0, 1, 2]);
    expect(rig.tap.connects().map(({ willPayload }) => bdSeqOf(decoded(willPayload)))).toEqual([0, 1, 2]);
    const deaths = host.of("NDEATH").map(({ payload }) => bdSeqOf(payload));
    expect(deaths).toEqual([0, 1]);
  });

  it.each(["a/b", "a+b", "a#b", ""])(
    "[tck-id-intro-device-id-string] [tck-id-intro-device-id-chars] [tck-id-topic-structure-namespace-valid-device-id] a device is a zone, whose id cannot be %j",
    (zoneId) => {
      expect(zoneConfig.shape.id.safeParse(zoneId).success).toBe(false);
      expect(zoneConfig.shape.id.safeParse("freezer-1").success).toBe(true);
    },
  );

  it("counts CONNECT packets, not attempts to reach a server that is not there", async () => {
    const servers = [`mqtt://127.0.0.1:${rig.broker.port}`];
    await rig.broker.stop();
    const view = await rig.start({ servers });
    await until("it found nobody", () => view.status().code === "connect-failed");
    await rig.broker.start();
    const late = await Host.connect(rig.broker.port);
    const [birth] = await late.waitFor("NBIRTH");
    expect(bdSeqOf(birth?.payload)).toBe(0);
    await late.end();
  });

  it("[tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath] [tck-id-operational-behavior-edge-node-intentional-disconnect-packet] [tck-id-payloads-ndeath-will-message-publisher] [tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt311] it says NDEATH before it disconnects", async () => {
    await rig.start();
    await host.waitFor("NBIRTH");
    await rig.view.stop();
    const [death] = await host.waitFor("NDEATH");
    expect(bdSeqOf(death?.payload)).toBe(0);
    const last = rig.tap.packets.filter(({ type }) => type === "PUBLISH" || type === "DISCONNECT").slice(-2);
    expect(last.map(({ type }) => type)).toEqual(["PUBLISH", "DISCONNECT"]);
    expect(rig.tap.publishes().at(-1)?.topic).toBe(`spBv1.0/${group}/NDEATH/${edgeNode}`);
  });

  it("[tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50] with MQTT 5 the DISCONNECT asks for the will", async () => {
    await rig.start({ version: "5" });
    await host.waitFor("NBIRTH");
    await rig.view.stop();
    const disconnect = rig.tap.packets.find(({ type }) => type === "DISCONNECT");
    expect(disconnect?.body[0]).toBe(4);
  });
});
