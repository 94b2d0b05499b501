import { readFile } from "node:fs/promises";
import { join } from "node:path";

import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

import { longestAsideMs } from "../../gateway/src/alarms/aside.ts";
import { longestShelfMs } from "../../server/src/api/resources/alarm-acts.ts";
import { longestServiceMs } from "../../server/src/api/resources/service.ts";
import { freePort } from "../sims/free-port.ts";
import { Site, until } from "./site.ts";

const rooms = ["one", "two", "three", "four"] as const;
type Room = (typeof rooms)[number];

const request = z.object({ kind: z.string(), status: z.string(), outcome: z.unknown() });
const alarm = z.object({
  alarmId: z.string(),
  zoneId: z.string(),
  ruleId: z.string(),
  state: z.string(),
  incidentId: z.string().nullable(),
  aside: z.object({ actor: z.string().nullable() }).nullable(),
  actionDone: z.object({ actor: z.string().nullable() }).nullable(),
  requests: z.array(request),
});
const detail = z.object({
  alarm,
  requests: z.array(request),
  events: z.array(z.object({ transition: z.string(), actor: z.string().nullable(), commandId: z.string().nullable() })),
});
const status = z.object({ alarms: z.array(z.object({ alarmId: z.string(), state: z.string() })) });

let site: Site;
let sensors: MqttClient;
const alarmIds = new Map<Room, string>();

beforeAll(async () => {
  const port = await freePort();
  site = await Site.create({
    name: "alarm-acts",
    gateway: () => ({
      site: { name: { zh: "报警", en: "Alarms" }, simulated: true },
      zones: rooms.map((id) => ({ id, name: { zh: id, en: id }, profile: "frozen-store" })),
      sources: [{ id: "sensors", kind: "mqtt-broker", port, anonymous: true }],
      points: rooms.map((id) => ({
        id,
        zone: id,
        name: { zh: id, en: id },
        source: "sensors",
        expectedIntervalSeconds: 3600,
        address: { topic: `rooms/${id}`, decode: { kind: "plain" } },
      })),
      alarms: {
        rules: rooms.map((id) => ({
          id: `warm-${id}`,
          kind: "limit",
          points: [id],
          side: "high",
          stages: [{ priority: "high", value: -12, onDelaySeconds: 0 }],
          offDelaySeconds: 0,
        })),
      },
    }),
  });
  await site.start();
  sensors = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: "rooms" });
  for (const room of rooms) await sensors.publishAsync(`rooms/${room}`, room === "four" ? "-20" : "-5", { qos: 1 });
  for (const room of rooms.slice(0, 3)) alarmIds.set(room, await raisedAlarm(room));
}, 60_000);

afterAll(async () => {
  await sensors.endAsync();
  await site.stop();
});

async function raisedAlarm(room: Room): Promise<string> {
  let found: string | undefined;
  await until(`the alarm of room ${room} at the server`, async () => {
    const alarms = await site.client.alarms(Site.siteId);
    found = alarms.find(({ zoneId, ruleKind }) => zoneId === room && ruleKind === "limit")?.alarmId;
    return found !== undefined;
  });
  if (found === undefined) throw new Error(`no alarm of room ${room}`);
  return found;
}

const idOf = (room: Room): string => alarmIds.get(room) ?? "";
const fromConsole = (room: Room, what: string, body: object) =>
  site.client.ask("POST", `/api/v1/alarms/${idOf(room)}/${what}`, body);
const shelf = () => ({ untilMs: Date.now() + 3_600_000, oneShot: false, reason: "door is being repaired" });

async function localPage(path: string, body: object): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${site.localPort}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await response.text();
  return response.status;
}

async function atServer(room: Room) {
  return detail.parse((await site.client.ask("GET", `/api/v1/alarms/${idOf(room)}`)).body);
}

async function atGateway(room: Room): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${site.localPort}/status.json`);
  const { alarms } = status.parse(await response.json());
  return alarms.find(({ alarmId }) => alarmId === idOf(room))?.state ?? "normal";
}

/** Both say the same, and nothing is on its way any more. */
async function settled(room: Room): Promise<string> {
  let state = "";
  await until(`one state of room ${room} everywhere`, async () => {
    const [{ alarm: known, requests }, own] = [await atServer(room), await atGateway(room)];
    state = own;
    return known.state === own && requests.every((one) => one.status !== "pending");
  });
  return state;
}

describe("what people do to alarms, from two places", () => {
  it("server and gateway allow the same times", () => {
    expect(longestShelfMs).toEqual(longestAsideMs.shelved);
    expect(longestServiceMs).toBe(longestAsideMs["out-of-service"]);
  });

  it("shelving, action done and taking back from the console come back as the gateway's own events", async () => {
    expect((await fromConsole("one", "shelving", shelf())).status).toBe(202);
    await until("shelved", async () => (await atServer("one")).alarm.state === "shelved");
    expect(await atGateway("one")).toBe("shelved");
    expect((await fromConsole("one", "action-done", { comment: "gasket" })).status).toBe(202);
    await until("action done", async () => (await atServer("one")).alarm.actionDone?.actor === "admin");
    expect((await fromConsole("one", "unshelving", { reason: "repaired" })).status).toBe(202);
    expect(await settled("one")).toBe("unacknowledged");
    const { events, requests, alarm: known } = await atServer("one");
    expect(events.filter(({ commandId }) => commandId !== null).map(({ transition }) => transition)).toEqual([
      "shelved",
      "action-done",
      "unshelved",
    ]);
    expect(requests.map(({ status: came }) => came)).toEqual(["done", "done", "done"]);
    expect(known).toMatchObject({ aside: null, actionDone: { actor: "admin" } });
    expect(known.incidentId).toBeTypeOf("string");
  }, 40_000);

  it("two consoles that shelve and acknowledge at once, and the local page in between, end in one state", async () => {
    const [shelved, acknowledged, here] = await Promise.all([
      fromConsole("one", "shelving", shelf()),
      fromConsole("one", "acknowledgement", { comment: "seen" }),
      localPage("/alarms/acknowledge", { alarmId: idOf("one"), name: "guard" }),
    ]);
    expect([shelved.status, acknowledged.status]).toEqual([202, 202]);
    expect([200, 409]).toContain(here);
    expect(await settled("one")).toBe("shelved");
    const { events } = await atServer("one");
    expect(events.filter(({ transition }) => transition === "acknowledged").length).toBeLessThanOrEqual(1);
    expect(events.filter(({ transition }) => transition === "shelved")).toHaveLength(2);
  }, 40_000);

  it("of a console and the local page that shelve while the link is down, the gateway's order counts and the other learns why", async () => {
    await site.cutLink();
    expect((await fromConsole("two", "shelving", shelf())).status).toBe(202);
    expect(
      await localPage("/alarms/shelve", { alarmId: idOf("two"), name: "guard", ...shelf(), reason: "I am here" }),
    ).toBe(200);
    expect(await atGateway("two")).toBe("shelved");
    await site.restoreLink();
    expect(await settled("two")).toBe("shelved");
    const { alarm: known, requests } = await atServer("two");
    expect(known.aside?.actor).toContain("guard");
    expect(requests).toMatchObject([
      { kind: "shelve-alarm", status: "failed", outcome: { parameters: { reason: "put-aside" } } },
    ]);
  }, 60_000);

  it("a request for an alarm that ended meanwhile is refused by the gateway, not lost", async () => {
    await site.cutLink();
    expect((await fromConsole("three", "acknowledgement", {})).status).toBe(202);
    expect((await fromConsole("three", "shelving", shelf())).status).toBe(202);
    expect(await localPage("/alarms/acknowledge", { alarmId: idOf("three"), name: "guard" })).toBe(200);
    await sensors.publishAsync("rooms/three", "-25", { qos: 1 });
    await until("the end at the gateway", async () => (await atGateway("three")) === "normal");
    await site.restoreLink();
    expect(await settled("three")).toBe("normal");
    const { requests } = await atServer("three");
    const shelving = requests.find(({ kind }) => kind === "shelve-alarm");
    expect(shelving).toMatchObject({ status: "failed", outcome: { parameters: { reason: "unknown-alarm" } } });
  }, 60_000);

  it("a room without an alarm is out of service at both ends, raises nothing that asks, and comes back from the page", async () => {
    const asked = await site.client.ask("POST", `/api/v1/sites/${Site.siteId}/service`, {
      inService: false,
      target: { kind: "zone", id: "four" },
      purpose: "maintenance",
      untilMs: Date.now() + 3_600_000,
      reason: "new evaporator",
    });
    expect(asked.status).toBe(202);
    const stopped = async (): Promise<unknown> => {
      const { body } = await site.client.ask("GET", "/api/v1/overview");
      const zones = z
        .object({
          sites: z.array(
            z.object({ zones: z.array(z.object({ zoneId: z.string(), outOfService: z.array(z.unknown()) })) }),
          ),
        })
        .parse(body)
        .sites.flatMap((one) => one.zones);
      return zones.find(({ zoneId }) => zoneId === "four")?.outOfService;
    };
    await until("the room out of service", async () => JSON.stringify(await stopped()).includes("new evaporator"));
    expect(await stopped()).toMatchObject([{ actor: "admin", purpose: "maintenance" }]);
    await sensors.publishAsync("rooms/four", "-5", { qos: 1 });
    alarmIds.set("four", await raisedAlarm("four"));
    expect(await settled("four")).toBe("out-of-service");
    expect(
      await localPage("/service", { target: { zoneId: "four" }, inService: true, name: "guard", reason: "done early" }),
    ).toBe(200);
    expect(await settled("four")).toBe("unacknowledged");
    await until("the room in service", async () => JSON.stringify(await stopped()) === "[]");
  }, 60_000);

  it("a gateway that was killed right after it shelved does not shelve again what was taken back meanwhile", async () => {
    expect((await fromConsole("four", "shelving", shelf())).status).toBe(202);
    // What the page shows may not have reached the disk yet.
    const memory = join(site.folder, "gateway", "alarms.json");
    const shelved = new RegExp(`"alarmId":"${idOf("four")}"[^{]*"phase":\\{"state":"shelved"`);
    await until("shelved for good", async () => shelved.test(await readFile(memory, "utf8")));
    await site.gateway.kill();
    await site.startGateway();
    expect(await localPage("/alarms/unshelve", { alarmId: idOf("four"), name: "guard", reason: "too early" })).toBe(
      200,
    );
    await site.untilConnected();
    expect(await settled("four")).toBe("unacknowledged");
    const { events } = await atServer("four");
    expect(events.filter(({ transition }) => transition === "shelved")).toHaveLength(1);
  }, 60_000);
});
