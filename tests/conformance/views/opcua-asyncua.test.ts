import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { View } from "../../../gateway/src/core/view.ts";
import { viewRegistry } from "../../../gateway/src/views/index.ts";
import { until } from "../sources/harness.ts";
import { freePort } from "../sources/mosquitto.ts";
import { alarmRig, type Rig } from "./alarm-rig.ts";

const patient = 60_000;
/** A Python with asyncua, e.g. that of a virtual environment. It is optional everywhere: no part of the product needs it. */
const python = process.env["ASYNCUA_PYTHON"] ?? "python3";
const script = resolve(import.meta.dirname, "../../sims/opcua-asyncua-panel.py");
const condition = "ns=1;s=alarm/warm:freezer.air";

type Fields = Readonly<Record<string, unknown>>;

function hasAsyncua(): boolean {
  try {
    execFileSync(python, ["-c", "import asyncua"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A panel that is not ours, in a process of its own. */
class Panel {
  readonly events: Fields[] = [];
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: ((answer: unknown) => void)[] = [];
  readonly #begun = Promise.withResolvers<string>();
  #complaint = "";

  constructor(...args: readonly string[]) {
    this.#process = spawn(python, [script, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stderr.on("data", (chunk: Buffer) => (this.#complaint += chunk.toString()));
    this.#process.on("exit", () => {
      const ended = `ended: ${this.#complaint.slice(-2_000)}`;
      this.#begun.resolve(ended);
      for (const answer of this.#answers.splice(0)) answer(ended);
    });
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      const said = JSON.parse(line) as Readonly<Record<string, unknown>>; // as the script writes it
      if ("event" in said) this.events.push(said["event"] as Fields); // the same
      else if ("answer" in said) this.#answers.shift()?.(said["answer"]);
      else if ("connected" in said || "refused" in said) this.#begun.resolve("connected" in said ? "connected" : line);
    });
  }

  begun(): Promise<string> {
    return this.#begun.promise;
  }

  ask(wish: object): Promise<unknown> {
    const { promise, resolve: answer } = Promise.withResolvers<unknown>();
    this.#answers.push(answer);
    this.#process.stdin.write(`${JSON.stringify(wish)}\n`);
    return promise;
  }

  call(object: string, method: string, ...args: readonly (readonly [string, unknown])[]): Promise<unknown> {
    return this.ask({ do: "call", object, method, args });
  }

  read(...path: readonly string[]): Promise<unknown> {
    return this.ask({ do: "read", path });
  }

  /** The newest event for which it is so. */
  async told(what: string, is: (fields: Fields) => boolean): Promise<Fields> {
    await until(what, () => this.events.some(is), 10_000);
    return this.events.findLast(is) ?? {};
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}

const isWarm = (fields: Fields): boolean => fields["ConditionName"] === "warm:freezer.air";

describe.skipIf(!hasAsyncua())(
  "the gateway as an OPC UA server to a client by others (asyncua)",
  { timeout: 120_000 },
  () => {
    let rig: Rig;
    let view: View;
    let port: number;
    const closing: (() => Promise<void>)[] = [];

    async function open(): Promise<void> {
      const definition = viewRegistry.get("opcua-server");
      const may = ["acknowledge", "action-done", "shelve", "unshelve", "reset", "set-service"];
      const users = [{ username: "wall", password: { env: "WALL" }, may }];
      const options = definition.options.parse({ host: "127.0.0.1", port, language: "en", users });
      view = definition.open(options, rig.context("plant", { WALL: "secret" }));
      await view.start();
      await until("the server listens", () => view.status().code === "listening", patient);
    }

    beforeEach(async () => {
      rig = await alarmRig();
      port = await freePort();
      await mkdir(join(rig.folder, "asyncua"));
      await open();
    }, patient);

    afterEach(async () => {
      for (const close of closing.splice(0)) await close();
      await view.stop();
      await rig.remove();
      if (rig.complaints.length > 0) throw new Error(rig.complaints.join("\n"));
    }, patient);

    function panel(policy = "Basic256Sha256", password = "secret"): Panel {
      const endpoint = `opc.tcp://127.0.0.1:${port}/frostlight`;
      const made = new Panel(endpoint, policy, "wall", password, join(rig.folder, "asyncua"));
      closing.push(() => made.end());
      return made;
    }

    /** A panel whose certificate a person has compared and approved. */
    async function connected(policy?: string): Promise<Panel> {
      if (rig.trust.cards().length === 0) {
        const stranger = await panel().begun();
        if (stranger === "connected") throw new Error("it was let in though nobody has approved it");
        const fingerprintSha256 = rig.trust.cards()[0]?.certificate.fingerprintSha256 ?? "";
        const [actor, reason] = ["li", "compared"];
        await rig.trust.approve({ sourceId: "view:plant", fingerprintSha256, actor, reason, commandId: null });
      }
      const known = panel(policy);
      const begun = await known.begun();
      if (begun !== "connected") throw new Error(begun);
      return known;
    }

    it("lets it in encrypted once a person has approved it, by each policy, and never with a wrong password", async () => {
      for (const policy of ["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]) {
        const known = await connected(policy);
        expect(await known.read("ns=1;s=frostlight", "0:NamespaceUri").catch(String)).not.toBeUndefined();
        await known.end();
      }
      expect(await panel("Basic256Sha256", "guess").begun()).toMatch(/refused.*(denied|rejected)/i);
    });

    it("tells it of an alarm, takes its acknowledgement and its confirmation, and tells it the end", async () => {
      const wall = await connected();
      const beforeMs = Date.now();
      await rig.reading(-15);
      const raised = await wall.told("the alarm", (fields) => isWarm(fields) && fields["ActiveState/Id"] === true);
      expect(raised).toMatchObject({
        NodeId: condition,
        SourceName: "Freezer 3",
        Severity: 600,
        Retain: true,
        "EnabledState/Id": true,
        "AckedState/Id": false,
        "ConfirmedState/Id": false,
        "ShelvingState/CurrentState": "Unshelved",
        Quality: "Good",
        Message: expect.stringContaining("−18"),
      });
      expect(raised["Time"]).toBeGreaterThanOrEqual(beforeMs - 1);
      const eventId: readonly [string, unknown] = ["ByteString", raised["EventId"]];
      expect(await wall.call(condition, "0:Acknowledge", eventId, ["LocalizedText", "on my way"])).toBe("Good");
      expect(rig.open()).toMatchObject({ state: "acknowledged", comment: "on my way" });
      const acknowledged = await wall.told("the acknowledgement", (fields) => fields["AckedState/Id"] === true);
      expect(acknowledged).toMatchObject({ Comment: "on my way", "ConfirmedState/Id": false, "ActiveState/Id": true });
      expect(await wall.call(condition, "0:Acknowledge", eventId, ["LocalizedText", ""])).toBe("BadEventIdUnknown");
      const newer: readonly [string, unknown] = ["ByteString", acknowledged["EventId"]];
      expect(await wall.call(condition, "0:Confirm", newer, ["LocalizedText", "fan replaced"])).toBe("Good");
      await wall.told("the confirmation", (fields) => fields["ConfirmedState/Id"] === true);
      await rig.reading(-25);
      await rig.reading(-25);
      expect(await wall.told("its end", (fields) => fields["Retain"] === false)).toMatchObject({
        "ActiveState/Id": false,
        "AckedState/Id": true,
      });
    });

    it("lets it shelve for a time and unshelve, by the shelving state and by the condition itself", async () => {
      const wall = await connected();
      await rig.reading(-15);
      await wall.told("the alarm", (fields) => isWarm(fields) && fields["ActiveState/Id"] === true);
      const shelving = String(await wall.ask({ do: "node", path: [condition, "0:ShelvingState"] }));
      expect(await wall.call(shelving, "0:TimedShelve", ["Double", 600_000])).toBe("Good");
      const shelved = await wall.told("the shelf", (fields) => fields["ShelvingState/CurrentState"] === "TimedShelved");
      expect(shelved["ShelvingState/UnshelveTime"]).toBeGreaterThan(590_000);
      expect(rig.open()).toMatchObject({ state: "shelved", aside: { oneShot: false } });
      expect(await wall.call(shelving, "0:TimedShelve", ["Double", 600_000])).toBe("BadConditionAlreadyShelved");
      // OPC 10000-9, 5.8.17.4: the condition may stand for its shelving state.
      expect(await wall.call(condition, "i=2947")).toBe("Good");
      expect(rig.open().state).toBe("unacknowledged");
      expect(await wall.call(condition, "i=2949", ["Double", 9e9])).toBe("BadShelvingTimeOutOfRange");
      expect(await wall.call(condition, "i=2948")).toBe("Good");
      expect(rig.open()).toMatchObject({ state: "shelved", aside: { oneShot: true } });
    });

    it("shows it after a restart of the gateway what was confirmed and until when an alarm is shelved", async () => {
      await rig.reading(-15);
      const { alarmId } = rig.open();
      await rig.act({ kind: "action-done", alarmId, comment: "fan replaced" });
      const untilMs = Date.now() + 1_800_000;
      await rig.act({ kind: "shelve", alarmId, untilMs, oneShot: true, reason: "airing" });
      await view.stop();
      await rig.restart();
      await open();
      const wall = await connected();
      expect(await wall.ask({ do: "refresh" })).toBe("Good");
      const told = await wall.told("the alarm", isWarm);
      expect(told).toMatchObject({
        "ConfirmedState/Id": true,
        Comment: "fan replaced",
        "ShelvingState/CurrentState": "OneShotShelved",
        Retain: true,
      });
      const leftMs = Number(await wall.read(condition, "0:ShelvingState", "0:UnshelveTime"));
      expect(leftMs).toBeGreaterThan(1_800_000 - 120_000);
      expect(leftMs).toBeLessThanOrEqual(1_800_000);
    });

    it("tells it open alarms anew between the two events of a ConditionRefresh, each once", async () => {
      await rig.reading(-15);
      const wall = await connected();
      expect(wall.events.filter(isWarm)).toEqual([]);
      expect(await wall.ask({ do: "refresh" })).toBe("Good");
      await wall.told("the end of the refresh", ({ EventType }) => EventType === "i=2788");
      const types = wall.events.map((fields) => (isWarm(fields) ? "warm" : fields["EventType"]));
      expect(types).toEqual(["i=2787", "warm", "i=2788"]);
    });
  },
);
