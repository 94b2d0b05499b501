import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { until } from "../sources/harness.ts";
import { isInstalled, Mosquitto } from "../sources/mosquitto.ts";
import { bdSeqOf, edgeNode, group, Host, hostId, metricOf, ViewRig, valueOf } from "./rig.ts";

const hasMosquitto = isInstalled("mosquitto");
const options = { primaryHost: hostId };

/** Values that came marked as historical, in order. */
function lateValues(host: Host): unknown[] {
  return host
    .of("DDATA")
    .flatMap(({ payload }) =>
      payload.metrics.filter(({ isHistorical }) => isHistorical).map((metric) => valueOf(metric)),
    );
}

function liveValues(host: Host): unknown[] {
  return host
    .of("DDATA")
    .flatMap(({ payload }) =>
      payload.metrics.filter(({ isHistorical }) => !isHistorical).map((metric) => valueOf(metric)),
    );
}

async function quiet(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 150));
}

describe.skipIf(!hasMosquitto && process.env["CI"] !== "true")("the Sparkplug B view and its primary host", () => {
  let rig: ViewRig;
  let host: Host;

  beforeEach(async () => {
    rig = await ViewRig.create();
    host = await Host.connect(rig.broker.port, 1_000);
    await rig.sample("freezer.air", -18);
  });

  afterEach(async () => {
    await host.end();
    await rig.remove();
  });

  it("[tck-id-message-flow-edge-node-birth-publish-phid-wait] [tck-id-message-flow-edge-node-birth-publish-phid-wait-id] [tck-id-message-flow-edge-node-birth-publish-phid-wait-online] [tck-id-operational-behavior-edge-node-birth-sequence-wait] [tck-id-operational-behavior-primary-application-state-with-multiple-servers-state-subs] it is not born before its own host says online: true", async () => {
    const view = await rig.start(options);
    await until("it waits", () => view.status().state === "waiting");
    await host.state("another", { online: true, timestamp: 5_000 });
    await host.offline(1_000);
    await host.state(hostId, "ONLINE");
    await quiet();
    expect(host.heard).toEqual([]);
    expect(rig.tap.packets.find(({ type }) => type === "SUBSCRIBE")?.body.toString()).toContain(
      `spBv1.0/STATE/${hostId}`,
    );
    await host.online();
    await host.waitFor("DBIRTH");
    expect(view.status()).toMatchObject({ state: "online", code: "connected" });
  });

  it("[tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp] an online message that is older than one before does not count", async () => {
    await host.offline(9_000);
    const view = await rig.start(options);
    await until("it heard that the host is offline", () => view.status().code === "host-offline");
    await host.online(8_999);
    await quiet();
    expect(host.heard).toEqual([]);
    await host.online(9_000);
    await host.waitFor("NBIRTH");
  });

  it("[tck-id-message-flow-edge-node-birth-publish-phid-offline] [tck-id-operational-behavior-edge-node-termination-host-offline] [tck-id-operational-behavior-edge-node-termination-host-offline-reconnect] when the host goes it says NDEATH, disconnects and begins anew, waiting", async () => {
    await host.online();
    const view = await rig.start(options);
    await host.waitFor("DBIRTH");
    await host.offline(2_000);
    const [death] = await host.waitFor("NDEATH");
    expect(bdSeqOf(death?.payload)).toBe(0);
    await until("it connected again", () => rig.tap.connects().length === 2 && view.status().state === "waiting");
    await quiet();
    const first = rig.tap.packets.filter(({ connection }) => connection === 0).map(({ type }) => type);
    expect(first.slice(-2)).toEqual(["PUBLISH", "DISCONNECT"]);
    expect(rig.tap.publishes(1)).toEqual([]);
    await host.online(3_000);
    const births = await host.waitFor("NBIRTH", 2);
    expect(bdSeqOf(births[1]?.payload)).toBe(1);
  });

  it("[tck-id-operational-behavior-edge-node-termination-host-offline-timestamp] it does not leave because of an offline message older than the online one", async () => {
    await host.online(5_000);
    const view = await rig.start(options);
    await host.waitFor("DBIRTH");
    await host.offline(4_999);
    await quiet();
    await rig.sample("freezer.air", -17);
    await host.waitFor("DDATA");
    expect(view.status().state).toBe("online");
    expect(host.of("NDEATH")).toEqual([]);
  });

  it("hands over what was missed while the host was away as historical, all of it in order, and only the newest as current", async () => {
    await host.online();
    await rig.start({ ...options, history: { overlapSeconds: 0 } });
    await host.waitFor("DBIRTH");
    await rig.sample("freezer.air", -17);
    await host.waitFor("DDATA");
    await host.offline(2_000);
    await host.waitFor("NDEATH");
    for (const value of [-16, -15, -15, -14]) await rig.sample("freezer.air", value);
    host.heard.length = 0;
    await host.online(3_000);
    await until("the late values came", () => lateValues(host).includes(-14));
    const [birth] = host.of("DBIRTH");
    expect(valueOf(metricOf(birth, "freezer.air"))).toBe(-14);
    expect(lateValues(host).slice(-4)).toEqual([-16, -15, -15, -14]);
    expect(liveValues(host)).toEqual([]);
    await rig.sample("freezer.air", -13);
    await until("live goes on", () => liveValues(host).includes(-13));
    expect(rig.view.status()).toMatchObject({ waitingBatches: 0, skippedBatches: 0 });
  });

  it("gives the host that vanished without a word the time before again, because nobody had listened", async () => {
    await host.online();
    await rig.start({ ...options, history: { overlapSeconds: 600 } });
    await host.waitFor("DBIRTH");
    for (const value of [-17, -16, -15]) await rig.sample("freezer.air", value);
    await host.waitFor("DDATA", 3);
    host.die();
    const back = await Host.connect(rig.broker.port, 5_000);
    await until("the view left", () => rig.view.status().state === "waiting");
    await rig.sample("freezer.air", -14);
    await back.online();
    await until("all of it came", () => lateValues(back).length >= 4);
    expect(lateValues(back)).toEqual([-17, -16, -15, -14]);
    await back.end();
  });

  it("goes on after a restart of the process where the last one stopped, also with what was recorded in between", async () => {
    await host.online();
    await rig.start({ ...options, history: { overlapSeconds: 0 } });
    await host.waitFor("DBIRTH");
    await rig.view.stop();
    for (const value of [-16, -15]) await rig.sample("freezer.air", value);
    host.heard.length = 0;
    await rig.start(options);
    await until("the late values came", () => lateValues(host).length >= 2);
    expect(lateValues(host).slice(-2)).toEqual([-16, -15]);
  });

  it("leaves out what is older than the bound, and says how much that was", async () => {
    const view = await rig.start({ ...options, history: { maxHours: 0 } });
    await until("it waits", () => view.status().state === "waiting");
    for (const value of [-16, -15, -14]) await rig.sample("freezer.air", value);
    await quiet();
    await host.online();
    await host.waitFor("DBIRTH");
    expect(view.status()).toMatchObject({ skippedBatches: 3, waitingBatches: 0 });
    await rig.sample("freezer.air", -13);
    await host.waitFor("DDATA");
    expect(lateValues(host)).toEqual([]);
  });

  it("sends live values between a long history, and the history no faster than allowed", async () => {
    const view = await rig.start({ ...options, history: { valuesPerSecond: 100 } });
    await until("it waits", () => view.status().state === "waiting");
    for (let n = 0; n < 60; n += 1) await rig.sample("freezer.air", n);
    const beganMs = performance.now();
    await host.online();
    await until("history began", () => lateValues(host).length >= 5);
    await rig.sample("freezer.air", 99);
    await until("the live value came", () => liveValues(host).includes(99));
    expect(lateValues(host).length).toBeLessThan(60);
    await until("history is complete", () => lateValues(host).length >= 60);
    expect(performance.now() - beganMs).toBeGreaterThan(500);
    expect(lateValues(host)).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  it("loses nothing to a host that comes and goes, and repeats only as historical", async () => {
    await host.online();
    await rig.start({ ...options, history: { overlapSeconds: 600 } });
    await host.waitFor("DBIRTH");
    let value = 0;
    for (let flap = 1; flap <= 5; flap += 1) {
      await host.offline(flap * 2_000);
      for (let n = 0; n < 3; n += 1) await rig.sample("freezer.air", (value += 1));
      await host.online(flap * 2_000 + 1_000);
      await rig.sample("freezer.air", (value += 1));
    }
    const seen = (): Set<unknown> =>
      new Set(
        host.heard.flatMap(({ payload }) =>
          payload.metrics.map((metric) => valueOf({ ...metric, dataType: "Double" })),
        ),
      );
    const all = Array.from({ length: value }, (_, n) => n + 1);
    await until("every value was heard", () => all.every((one) => seen().has(one)), 60_000);
    expect(new Set(liveValues(host)).size).toBe(liveValues(host).length);
    const births = host.of("NBIRTH").map(({ payload }) => bdSeqOf(payload));
    expect(new Set(births).size).toBe(births.length);
  });

  it("survives a restart of the server, and hands over what was recorded meanwhile", async () => {
    await host.online();
    await rig.start({ ...options, history: { overlapSeconds: 0 } });
    await host.waitFor("DBIRTH");
    await rig.broker.stop("SIGKILL");
    await until("it noticed", () => rig.view.status().state === "offline");
    for (const value of [-16, -15]) await rig.sample("freezer.air", value);
    await rig.broker.start();
    const back = await Host.connect(rig.broker.port, 2_000);
    await back.online();
    await until("late values came", () => lateValues(back).length >= 2);
    expect(lateValues(back).slice(-2)).toEqual([-16, -15]);
    await rig.sample("freezer.air", -14);
    await until("live goes on", () => liveValues(back).includes(-14));
    const births = [...host.of("NBIRTH"), ...back.of("NBIRTH")].map(({ payload }) => bdSeqOf(payload));
    expect(births).toEqual([0, 1]);
    await back.end();
  });

  it("[tck-id-operational-behavior-primary-application-state-with-multiple-servers-single-server] [tck-id-operational-behavior-primary-application-state-with-multiple-servers-walk] walks to the next server when its host is offline there, on one at a time", async () => {
    const other = await Mosquitto.create();
    const there = await Host.connect(other.port, 1_000);
    await there.online();
    await host.offline(1_000);
    const servers = [`mqtt://127.0.0.1:${rig.tap.port}`, `mqtt://127.0.0.1:${other.port}`];
    await rig.start({ ...options, servers });
    await there.waitFor("DBIRTH");
    expect(host.of("NBIRTH")).toEqual([]);
    expect(rig.tap.packets.at(-1)?.type).toBe("DISCONNECT");
    await there.offline(2_000);
    await there.waitFor("NDEATH");
    await host.online(3_000);
    await host.waitFor("DBIRTH");
    await rig.view.stop();
    await there.end();
    await other.remove();
  });

  it("notices by its keep-alive that a server has fallen silent, and hands over what went nowhere", async () => {
    const view = await rig.start({ keepaliveSeconds: 5 });
    await host.waitFor("DBIRTH");
    rig.tap.isFrozen = true;
    for (const value of [-17, -16]) await rig.sample("freezer.air", value);
    await until("it noticed", () => view.status().code === "connection-lost", 20_000);
    rig.tap.isFrozen = false;
    await until("what went nowhere came late", () => lateValues(host).length >= 2);
    expect(lateValues(host).slice(-2)).toEqual([-17, -16]);
  }, 40_000);

  it("stops in time although nobody answers", async () => {
    rig.tap.isDeaf = true;
    const view = await rig.start(options);
    await until("it tries", () => rig.tap.connections === 1);
    const beganMs = performance.now();
    await view.stop();
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    expect(view.status()).toMatchObject({ state: "offline", code: "stopped" });
  });

  it.each([
    ["group", { group: "a/b" }],
    ["edgeNode", { edgeNode: "a+b" }],
    ["primaryHost", { primaryHost: "a#b" }],
  ])(
    "[tck-id-intro-group-id-chars] [tck-id-intro-group-id-string] [tck-id-intro-edge-node-id-chars] [tck-id-intro-edge-node-id-string] [tck-id-topic-structure-namespace-valid-group-id] [tck-id-topic-structure-namespace-valid-edge-node-id] %s: reserved characters are refused",
    async (_, wrong) => {
      await expect(rig.start(wrong)).rejects.toThrow("expected a Sparkplug id");
      expect(`${group}${edgeNode}`).not.toMatch(/[+/#]/);
    },
  );
});
