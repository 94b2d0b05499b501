import { request as httpRequest } from "node:http";

import { silentLogger } from "@frostlight/kernel";
import { afterEach, describe, expect, it } from "vitest";

import type { ActOutcome } from "../core/alarm-engine.ts";
import { localOptions } from "./options.ts";
import { createLocalServer, type LocalServer } from "./server.ts";
import { exampleStatus } from "./testing/example-status.ts";

const nowMs = Date.UTC(2026, 10, 22, 3, 10);
let server: LocalServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

interface Set {
  readonly outcome?: ActOutcome;
  readonly options?: unknown;
  readonly alive?: () => boolean;
  readonly status?: () => ReturnType<typeof exampleStatus>;
}

async function open(set: Set = {}): Promise<{ readonly port: number; readonly asked: unknown[] }> {
  const asked: unknown[] = [];
  server = createLocalServer({
    options: localOptions.parse({ port: 0, ...(typeof set.options === "object" ? set.options : {}) }),
    status: set.status ?? (() => exampleStatus(nowMs, false)),
    act: (request) => {
      asked.push(request);
      return set.outcome ?? { kind: "done", events: [] };
    },
    approve: (approval) => {
      asked.push(approval);
      return Promise.resolve({ kind: "done" });
    },
    forgetRoom: (request) => {
      asked.push(request);
      return Promise.resolve(request.zoneId === "cold-1");
    },
    addPoint: (addition) => {
      asked.push(addition);
      return Promise.resolve({ kind: "done" });
    },
    ...(set.alive === undefined ? {} : { alive: set.alive }),
    logger: silentLogger,
  });
  await server.start();
  return { port: server.port(), asked };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** node:http, because fetch does not let a test choose Host and Origin. */
function call(
  port: number,
  path: string,
  own: { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path,
      method: own.method ?? "GET",
      headers: own.headers ?? {},
    });
    request.once("error", reject);
    request.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.once("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    request.end(own.body);
  });
}

const acknowledge = (port: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  call(port, "/alarms/acknowledge", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("the local server", () => {
  it("serves the page and all it needs from itself, with nothing inline", async () => {
    const { port } = await open();
    const page = await call(port, "/");
    expect(page).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
    const needed = [...page.text.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map((match) => match[1] ?? "");
    const script = await call(port, "/page.js");
    const imported = [...script.text.matchAll(/from "\.(\/[^"]+)"/g)].map((match) => match[1] ?? "");
    const answers = await Promise.all([...needed, ...imported].map((path) => call(port, path)));
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    expect(answers.length).toBeGreaterThanOrEqual(4);
    expect(page.text).not.toMatch(/https?:\/\/|<style|style="|<script>|\son\w+="/);
  });

  it("sends security headers with every answer", async () => {
    const { port } = await open();
    for (const path of ["/", "/status.json", "/no-such-page"]) {
      const { headers } = await call(port, path);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
      });
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).not.toContain("unsafe");
    }
  });

  it("gives the whole status as JSON, and the texts of explanations", async () => {
    const { port } = await open();
    const status: unknown = JSON.parse((await call(port, "/status.json")).text);
    expect(status).toEqual(JSON.parse(JSON.stringify(exampleStatus(nowMs, false))));
    expect((await call(port, "/explanations.json")).text).toContain('"limit-high"');
  });

  it("is healthy only while the main loop turns", async () => {
    let alive = true;
    const { port } = await open({ alive: () => alive });
    expect(await call(port, "/healthz")).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    alive = false;
    expect(await call(port, "/healthz")).toMatchObject({ status: 503, text: '{"status":"main-loop-stands-still"}' });
  });

  it("acknowledges with the name that was typed, marked as coming from the local page", async () => {
    const { port, asked } = await open();
    const answer = await acknowledge(port, { alarmId: "a-critical", name: " 王 ", comment: "门没关" });
    expect(answer).toMatchObject({ status: 200, text: '{"outcome":"done"}' });
    await acknowledge(
      port,
      { alarmId: "a-silent" },
      { origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" },
    );
    expect(asked).toEqual([
      {
        action: { kind: "acknowledge", alarmId: "a-critical", comment: "门没关" },
        actor: "王 (local page)",
        commandId: null,
      },
      { action: { kind: "acknowledge", alarmId: "a-silent", comment: "" }, actor: "local page", commandId: null },
    ]);
  });

  it.each([
    [{ kind: "refused", reason: "unknown-alarm" }, 404],
    [{ kind: "refused", reason: "already-acknowledged" }, 409],
  ] as const)("tells the page when there is nothing to acknowledge: %o", async (outcome, status) => {
    const { port } = await open({ outcome });
    expect(await acknowledge(port, { alarmId: "x" })).toMatchObject({
      status,
      text: JSON.stringify({ outcome: outcome.reason }),
    });
  });

  it.each([
    ["another origin", { origin: "http://evil.example" }, { alarmId: "x" }, 403],
    ["another site", { "sec-fetch-site": "cross-site" }, { alarmId: "x" }, 403],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, "alarmId=x", 415],
    ["text that is no JSON", {}, "{", 400],
    ["an unknown key", {}, { alarmId: "x", force: true }, 400],
    ["an oversized body", {}, { alarmId: "x", comment: "c".repeat(100_000) }, 413],
  ])("refuses to acknowledge from %s", async (_name, headers, body, status) => {
    const { port, asked } = await open();
    expect((await acknowledge(port, body, headers)).status).toBe(status);
    expect(asked).toEqual([]);
  });

  const post = (port: number, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    call(port, path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const who = { name: "王", reason: "例行" };
  const changes = [
    [
      "/alarms/action-done",
      { alarmId: "a", name: "王" },
      { action: { kind: "action-done", alarmId: "a", comment: "" }, actor: "王 (local page)", commandId: null },
    ],
    [
      "/alarms/shelve",
      { alarmId: "a", ...who, untilMs: 5 },
      {
        action: { kind: "shelve", alarmId: "a", reason: "例行", untilMs: 5, oneShot: false },
        actor: "王 (local page)",
        commandId: null,
      },
    ],
    [
      "/alarms/unshelve",
      { alarmId: "a", ...who },
      { action: { kind: "unshelve", alarmId: "a", reason: "例行" }, actor: "王 (local page)", commandId: null },
    ],
    [
      "/alarms/reset",
      { alarmId: "a", ...who },
      { action: { kind: "reset", alarmId: "a", reason: "例行" }, actor: "王 (local page)", commandId: null },
    ],
    [
      "/service",
      { target: { pointId: "p" }, inService: false, untilMs: 7, ...who },
      {
        action: { kind: "set-service", target: { pointId: "p" }, inService: false, untilMs: 7, reason: "例行" },
        actor: "王 (local page)",
        commandId: null,
      },
    ],
    [
      "/certificates/approve",
      { sourceId: "plc", fingerprintSha256: "ab".repeat(32), ...who },
      {
        sourceId: "plc",
        fingerprintSha256: "ab".repeat(32),
        reason: "例行",
        actor: "王 (local page)",
        commandId: null,
      },
    ],
    [
      "/points/add",
      { sourceId: "s", label: "t temperature", id: "p", zone: "z", zh: "点", en: "Point", ...who },
      {
        sourceId: "s",
        label: "t temperature",
        choice: { id: "p", zone: "z", name: { zh: "点", en: "Point" } },
        actor: "王 (local page)",
        reason: "例行",
      },
    ],
  ] as const;

  it.each(changes)("passes on what a person does at %s", async (path, body, expected) => {
    const { port, asked } = await open();
    expect(await post(port, path, body)).toMatchObject({ status: 200, text: '{"outcome":"done"}' });
    expect(asked).toEqual([expected]);
  });

  it.each(changes.slice(1))("wants to know who and why at %s, from its own origin", async (path, body) => {
    const { port, asked } = await open();
    expect((await post(port, path, { ...body, name: " " })).status).toBe(400);
    expect((await post(port, path, { ...body, reason: "" })).status).toBe(400);
    expect((await post(port, path, { ...body, extra: 1 })).status).toBe(400);
    expect((await post(port, path, body, { origin: "http://evil.example" })).status).toBe(403);
    expect((await post(port, path, body, { "content-type": "text/plain" })).status).toBe(415);
    expect((await call(port, path)).status).toBe(405);
    expect(asked).toEqual([]);
  });

  it("gives what was discovered with the entry that is ready for the configuration", async () => {
    const { port } = await open();
    const [first]: unknown[] = JSON.parse((await call(port, "/discovered.json")).text);
    expect(first).toMatchObject({
      id: "zigbee2mqtt-Walk-in-temperature",
      value: -18.42,
      configuration: expect.arrayContaining(['    source: "sensors"']),
    });
  });

  it("answers no host name that is not its own, so that a foreign page cannot read it", async () => {
    const { port } = await open({ options: { hostNames: ["gateway.local"] } });
    const ask = (host: string): Promise<Answer> => call(port, "/status.json", { headers: { host } });
    expect((await ask("evil.example")).status).toBe(421);
    expect((await ask("gateway.local:8088")).status).toBe(200);
    expect((await ask("[::1]:8088")).status).toBe(200);
    expect((await ask("localhost")).status).toBe(200);
  });

  it("answers what is not there and what is not allowed with a reason", async () => {
    const { port } = await open();
    expect(await call(port, "/etc/passwd")).toMatchObject({ status: 404 });
    expect(await call(port, "/../../package.json")).toMatchObject({ status: 404 });
    expect(await call(port, "/status.json", { method: "DELETE" })).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD" },
    });
    expect(await call(port, "/alarms/acknowledge")).toMatchObject({ status: 405, headers: { allow: "POST" } });
    expect(await call(port, "/", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  });

  it("answers 500 with a reason when the status cannot be made, and goes on", async () => {
    let broken = true;
    const { port } = await open({
      status: () => {
        if (broken) throw new Error("no status");
        return exampleStatus(nowMs, true);
      },
    });
    expect(await call(port, "/status.json")).toMatchObject({ status: 500 });
    broken = false;
    expect(await call(port, "/status.json")).toMatchObject({ status: 200 });
  });

  it("forgets what was learned of a room for somebody with a name and a reason", async () => {
    const { port, asked } = await open();
    const body = { zoneId: "cold-1", name: "Wang", reason: "new evaporator" };
    const post = (value: unknown) =>
      call(port, "/rooms/forget", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(value),
      });
    expect(await post(body)).toMatchObject({ status: 200 });
    expect(asked).toEqual([{ zoneId: "cold-1", actor: "Wang (local page)", reason: "new evaporator" }]);
    expect(await post({ ...body, reason: "" })).toMatchObject({ status: 400 });
    expect(await post({ ...body, zoneId: "nowhere" })).toMatchObject({ status: 404 });
  });

  it("says which address is taken, and stops twice without harm", async () => {
    const { port } = await open();
    const second = createLocalServer({
      options: localOptions.parse({ port }),
      status: () => exampleStatus(nowMs, true),
      act: () => ({ kind: "refused", reason: "unknown-alarm" }),
      approve: () => Promise.resolve({ kind: "unknown-certificate" }),
      forgetRoom: () => Promise.resolve(false),
      addPoint: () => Promise.resolve({ kind: "not-discovered" }),
      logger: silentLogger,
    });
    await expect(second.start()).rejects.toMatchObject({
      code: "local/cannot-listen",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    await second.stop();
    await server?.stop();
    await server?.stop();
    expect(server?.port()).toBe(0);
  });
});

describe("the options of the local server", () => {
  it("listen on this machine only and let only it acknowledge, unless told otherwise", () => {
    expect(localOptions.parse({})).toEqual({
      host: "127.0.0.1",
      port: 8088,
      hostNames: [],
      acknowledgeFrom: "this-machine",
      changeFrom: "this-machine",
      addPoints: true,
      findCameras: true,
    });
    expect(localOptions.safeParse({ host: "gateway.example" }).success).toBe(false);
    expect(localOptions.safeParse({ colour: "red" }).success).toBe(false);
  });
});
