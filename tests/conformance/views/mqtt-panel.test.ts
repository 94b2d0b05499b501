import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { View } from "../../../gateway/src/core/view.ts";
import { viewRegistry } from "../../../gateway/src/views/index.ts";
import { until } from "../sources/harness.ts";
import { isInstalled, Mosquitto } from "../sources/mosquitto.ts";
import { alarmRig, type Rig } from "./alarm-rig.ts";

const isMissing = !isInstalled("mosquitto") && process.env["CI"] !== "true";
const base = "frostlight/gw-test";

interface Result {
  readonly id: string | null;
  readonly act: string;
  readonly outcome: string;
  readonly code: string | null;
}

/** A panel on the wall: shows what is retained, asks for acts, hears the answers. */
class Panel {
  readonly results: Result[] = [];
  readonly retained = new Map<string, string>();
  readonly user: string;
  readonly client: MqttClient;

  private constructor(user: string, client: MqttClient) {
    this.user = user;
    this.client = client;
    client.on("message", (topic, payload) => {
      const text = payload.toString();
      if (topic.startsWith(`${base}/results/`)) this.results.push(JSON.parse(text) as Result); // as documented
      else if (text === "") this.retained.delete(topic);
      else this.retained.set(topic, text);
    });
  }

  static async connect(port: number, user: string): Promise<Panel> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { username: user, reconnectPeriod: 0 });
    const panel = new Panel(user, client);
    await client.subscribeAsync([`${base}/results/${user}`, `${base}/alarms/+`, `${base}/state`], { qos: 1 });
    return panel;
  }

  async ask(act: string, body: unknown, more: { readonly retain?: boolean; readonly as?: string } = {}): Promise<void> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const { retain = false, as = this.user } = more;
    await this.client.publishAsync(`${base}/acts/${as}/${act}`, text, { qos: 1, retain });
  }

  async answer(act: string, body: unknown, more: { readonly retain?: boolean } = {}): Promise<Result | undefined> {
    const before = this.results.length;
    await this.ask(act, body, more);
    await until("the panel has an answer", () => this.results.length > before);
    return this.results.at(-1);
  }

  alarms(): readonly string[] {
    return [...this.retained.keys()].filter((topic) => topic.includes("/alarms/"));
  }
}

describe.skipIf(isMissing)("panels on an MQTT broker", { timeout: 60_000 }, () => {
  let rig: Rig;
  let broker: Mosquitto;
  let view: View;
  const panels: Panel[] = [];

  const everything = ["acknowledge", "action-done", "shelve", "unshelve", "reset", "set-service"];
  const open = async (): Promise<View> => {
    const definition = viewRegistry.get("mqtt-panel");
    const options = {
      url: `mqtt://127.0.0.1:${broker.port}`,
      username: "gateway",
      users: [
        { user: "wall", may: everything },
        { user: "kitchen", may: ["acknowledge"] },
      ],
    };
    const opened = definition.open(definition.options.parse(options), rig.context("panel"));
    await opened.start();
    await until("the view is online", () => opened.status().state === "online");
    return opened;
  };
  const panel = async (user: string): Promise<Panel> => {
    const made = await Panel.connect(broker.port, user);
    panels.push(made);
    return made;
  };
  const warm = async (): Promise<string> => {
    await rig.reading(-15);
    return rig.open().alarmId;
  };

  beforeEach(async () => {
    rig = await alarmRig();
    const acl = join(rig.folder, "acl");
    await writeFile(
      acl,
      [
        "user gateway",
        "topic frostlight/#",
        "",
        `pattern write frostlight/+/acts/%u/+`,
        `pattern read frostlight/+/results/%u`,
        "pattern read frostlight/+/alarms/+",
        "pattern read frostlight/+/state",
        "",
      ].join("\n"),
    );
    broker = await Mosquitto.create(["allow_anonymous true", `acl_file ${acl}`]);
    view = await open();
  });

  afterEach(async () => {
    for (const one of panels.splice(0)) await one.client.endAsync(true);
    await view.stop();
    await broker.remove();
    await rig.remove();
  });

  it("shows each open alarm as a retained message in words of both languages, and takes it away when it is over", async () => {
    const id = await warm();
    const wall = await panel("wall");
    const topic = `${base}/alarms/${id}`;
    await until("the panel shows the alarm", () => wall.retained.has(topic));
    expect(JSON.parse(wall.retained.get(topic) ?? "")).toMatchObject({
      alarmId: id,
      zoneId: "freezer",
      state: "unacknowledged",
      priority: "high",
      explanation: { code: "limit-high" },
      text: { zh: expect.stringContaining("−18") as unknown, en: expect.stringContaining("limit") as unknown },
    });
    await until("the gateway is there", () => wall.retained.get(`${base}/state`)?.includes('"online":true') === true);
    await rig.act({ kind: "acknowledge", alarmId: id, comment: "" });
    await until("it is shown as acknowledged", () => wall.retained.get(topic)?.includes('"acknowledged"') === true);
    await rig.reading(-25);
    await rig.reading(-25);
    await until("it is over", () => !wall.retained.has(topic));
  });

  it("carries out acts by who may and answers each with the panel's own id", async () => {
    const id = await warm();
    const wall = await panel("wall");
    expect(await wall.answer("acknowledge", { id: "1", alarmId: id, person: "王" })).toMatchObject({
      id: "1",
      act: "acknowledge",
      outcome: "done",
      code: null,
    });
    expect(rig.open().state).toBe("acknowledged");
    expect(await wall.answer("action-done", { id: "2", alarmId: id, comment: "门已关" })).toMatchObject({
      outcome: "done",
    });
    const shelve = { id: "3", alarmId: id, reason: "维修", minutes: 30 };
    expect(await wall.answer("shelve", shelve)).toMatchObject({ outcome: "done" });
    expect(rig.open().state).toBe("shelved");
    expect(await wall.answer("unshelve", { id: "4", alarmId: id, reason: "修好" })).toMatchObject({ outcome: "done" });
    const service = { id: "5", target: { pointId: "freezer.air" }, inService: false, minutes: 60, reason: "校准" };
    expect(await wall.answer("set-service", service)).toMatchObject({ outcome: "done" });
    expect(rig.open().state).toBe("out-of-service");
    const back = { ...service, id: "6", inService: true, minutes: undefined };
    expect(await wall.answer("set-service", back)).toMatchObject({ outcome: "done" });
  });

  it("answers what it does not carry out with a named error", async () => {
    const id = await warm();
    const wall = await panel("wall");
    const kitchen = await panel("kitchen");
    const code = async (who: Panel, act: string, body: unknown, more = {}) => (await who.answer(act, body, more))?.code;
    expect(await code(wall, "acknowledge", "{")).toBe("not-json");
    expect(await code(wall, "acknowledge", { id: "a" })).toBe("invalid");
    expect(await code(wall, "acknowledge", { id: "b", alarmId: id, colour: "red" })).toBe("invalid");
    expect(await code(wall, "explode", { id: "c" })).toBe("not-allowed");
    expect(await code(wall, "acknowledge", { id: "d", alarmId: "no-such" })).toBe("unknown-alarm");
    expect(await code(wall, "shelve", { id: "e", alarmId: id, reason: "r" })).toBe("invalid");
    expect(await code(wall, "shelve", { id: "f", alarmId: id, reason: "", minutes: 5 })).toBe("invalid");
    expect(await code(wall, "shelve", { id: "g", alarmId: id, reason: "r", minutes: 40_000 })).toBe(
      "until-out-of-range",
    );
    expect(await code(wall, "unshelve", { id: "h", alarmId: id, reason: "r" })).toBe("not-put-aside");
    expect(await code(wall, "acknowledge", `{"id":"i","alarmId":"${"x".repeat(5_000)}"}`)).toBe("too-large");
    expect(await code(kitchen, "shelve", { id: "j", alarmId: id, reason: "r", minutes: 5 })).toBe("not-allowed");
    expect(await code(kitchen, "acknowledge", { id: "k", alarmId: id })).toBeNull();
    expect(view.status().refusedCommands).toBe(11);
    expect(rig.open().state).toBe("acknowledged");
  });

  it("does not hear a user who speaks in another's name: the broker drops it", async () => {
    const id = await warm();
    const kitchen = await panel("kitchen");
    await kitchen.ask("shelve", { id: "1", alarmId: id, reason: "r", minutes: 5 }, { as: "wall" });
    expect(await kitchen.answer("acknowledge", { id: "2", alarmId: id })).toMatchObject({ outcome: "done" });
    expect(rig.open().state).toBe("acknowledged");
  });

  it("does the same request once, however often and late it comes, also after a restart", async () => {
    const id = await warm();
    const wall = await panel("wall");
    const shelve = { id: "1", alarmId: id, reason: "维修", minutes: 30 };
    await wall.answer("shelve", shelve);
    expect(await rig.act({ kind: "unshelve", alarmId: id, reason: "修好" })).toMatchObject({ kind: "done" });
    expect(await wall.answer("shelve", shelve)).toMatchObject({ id: "1", outcome: "done" });
    expect(rig.open().state).toBe("unacknowledged");
    await view.stop();
    await rig.reopenDesk();
    view = await open();
    expect(await wall.answer("shelve", shelve)).toMatchObject({ id: "1", outcome: "done" });
    expect(rig.open().state).toBe("unacknowledged");
  });

  it("does not obey a retained request, which may be as old as the broker", async () => {
    const id = await warm();
    await view.stop();
    const wall = await panel("wall");
    await wall.ask("acknowledge", { id: "old", alarmId: id }, { retain: true });
    view = await open();
    await until("it is answered", () => wall.results.length > 0);
    expect(wall.results.at(-1)).toMatchObject({ id: "old", code: "retained" });
    expect(rig.open().state).toBe("unacknowledged");
  });

  it("takes away what an earlier life left at the broker, and says that it is gone when it dies", async () => {
    const id = await warm();
    const wall = await panel("wall");
    await until("the panel shows the alarm", () => wall.retained.has(`${base}/alarms/${id}`));
    await view.stop();
    await until("the gateway is away", () => wall.retained.get(`${base}/state`)?.includes('"online":false') === true);
    await rig.act({ kind: "acknowledge", alarmId: id, comment: "" });
    await rig.reading(-25);
    await rig.reading(-25);
    expect(wall.alarms()).toHaveLength(1);
    view = await open();
    await until("nothing old is shown", () => wall.alarms().length === 0);
  });

  it("comes back by itself when the broker does", async () => {
    const id = await warm();
    await broker.stop("SIGKILL");
    await until("it says so", () => view.status().state === "offline");
    await broker.start();
    await until("it is back", () => view.status().state === "online", 30_000);
    const wall = await panel("wall");
    await until("the panel shows the alarm", () => wall.retained.has(`${base}/alarms/${id}`));
    expect(await wall.answer("acknowledge", { id: "1", alarmId: id })).toMatchObject({ outcome: "done" });
  });
});
