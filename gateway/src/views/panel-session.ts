import { readFile } from "node:fs/promises";

import { describeError, errorCode, readSecret } from "@frostlight/kernel";
import type { MqttClient } from "mqtt";

import type { ViewContext } from "../core/view.ts";
import type { MqttPanelOptions } from "./mqtt-panel-options.ts";
import { readPanelAct } from "./panel-act.ts";
import { panelAlarm } from "./panel-alarm.ts";
import { actorOf } from "./people.ts";

const connectTimeoutMs = 10_000;
const goodbyeTimeoutMs = 1_000;
/** Retained alarms of an earlier life arrive before this, and are taken away when they are over. */
const settleMs = 1_000;
/** More than these at once are answered `busy`. */
const maxRunning = 20;

export interface PanelCounters {
  messages: number;
  values: number;
  refusedCommands: number;
}

interface Result {
  readonly id: string | null;
  readonly act: string;
  readonly outcome: "done" | "refused";
  readonly code: string | null;
  readonly message: string | null;
}

/** One connection to the broker: shows the alarms, takes acts, answers each. */
export class PanelSession {
  readonly #options: MqttPanelOptions;
  readonly #context: ViewContext;
  readonly #counters: PanelCounters;
  readonly #client: MqttClient;
  readonly #base: string;
  /** What the broker keeps: topic of an alarm → its message. */
  readonly #shown = new Map<string, string>();
  readonly #over = Promise.withResolvers<string>();
  #state = "";
  #running = 0;

  private constructor(options: MqttPanelOptions, context: ViewContext, counters: PanelCounters, client: MqttClient) {
    this.#options = options;
    this.#context = context;
    this.#counters = counters;
    this.#client = client;
    this.#base = baseOf(options, context);
    client.on("message", (topic, payload, { retain }) => {
      this.#take(topic, payload, retain);
    });
    client.on("error", (error) => {
      this.#over.resolve(describeError(error));
    });
    client.on("close", () => {
      this.#over.resolve("the connection was closed");
    });
  }

  /** Rejects when the broker cannot be reached or refuses. */
  static async connect(
    options: MqttPanelOptions,
    context: ViewContext,
    counters: PanelCounters,
    signal: AbortSignal,
  ): Promise<PanelSession> {
    const { url, username, password, caFile, keepaliveSeconds } = options;
    const { connect } = await import("mqtt");
    const secret = password === undefined ? undefined : await readSecret(password, context.environment);
    const ca = caFile === undefined ? undefined : await readFile(caFile);
    signal.throwIfAborted();
    const offline = JSON.stringify({ gatewayId: context.gatewayId, online: false });
    const client = connect(url, {
      // Nothing waits at the broker while the gateway is away: a late act must not undo what somebody did meanwhile.
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      keepalive: keepaliveSeconds,
      clientId: `frostlight-${context.gatewayId}-${context.viewId}`.slice(0, 64),
      will: { topic: `${baseOf(options, context)}/state`, payload: Buffer.from(offline), qos: 1, retain: true },
      ...(username === undefined ? {} : { username }),
      ...(secret === undefined ? {} : { password: secret }),
      ...(ca === undefined ? {} : { ca }),
    });
    const session = new PanelSession(options, context, counters, client);
    const connected = Promise.withResolvers<void>();
    client.once("connect", () => {
      connected.resolve();
    });
    const stop = (): void => {
      session.#over.resolve("stopped");
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      const failed = session.#over.promise.then((reason) => {
        throw new Error(reason);
      });
      await Promise.race([connected.promise, failed]);
      await Promise.race([session.#subscribe(), failed]);
    } catch (error) {
      client.end(true);
      throw error;
    }
    return session;
  }

  /** Resolves with the reason when it is over. */
  async run(): Promise<string> {
    const { clock } = this.#context;
    const stopped = new AbortController();
    // What an earlier life left behind comes first, so that it can be taken away.
    const settled = clock.sleep(settleMs, stopped.signal).then(
      () => {
        this.#show();
      },
      () => undefined,
    );
    const forget = this.#context.onAlarms(() => {
      this.#show();
    });
    this.#show();
    const cancel = clock.every(60_000, () => {
      this.#show();
    });
    try {
      return await this.#over.promise;
    } finally {
      forget();
      cancel();
      stopped.abort(new Error("over"));
      await settled;
    }
  }

  /** Says goodbye as far as the broker still listens. */
  async end(): Promise<void> {
    const { clock, gatewayId } = this.#context;
    const over = new AbortController();
    const offline = JSON.stringify({ gatewayId, online: false });
    const goodbye = this.#client.connected
      ? this.#client.publishAsync(`${this.#base}/state`, offline, { qos: 1, retain: true })
      : Promise.resolve();
    await Promise.race([
      goodbye.catch(() => undefined),
      clock.sleep(goodbyeTimeoutMs, over.signal).catch(() => undefined),
    ]);
    over.abort(new Error("over"));
    await this.#client.endAsync(true).catch(() => undefined);
  }

  async #subscribe(): Promise<void> {
    const granted = await this.#client.subscribeAsync([`${this.#base}/acts/+/+`, `${this.#base}/alarms/+`], { qos: 1 });
    const refused = granted.filter(({ qos }) => qos >= 128);
    if (refused.length > 0)
      throw new Error(`the broker does not let us subscribe to ${refused.map(({ topic }) => topic).join(", ")}`);
  }

  /** Makes the broker's retained messages equal to the open alarms. */
  #show(): void {
    const context = this.#context;
    const knowledge = new Map(context.rooms().map((room) => [room.zoneId, room]));
    const wanted = new Map(
      context
        .openAlarms()
        .map((alarm) => [
          `${this.#base}/alarms/${alarm.alarmId}`,
          JSON.stringify(panelAlarm(alarm, knowledge.get(alarm.zoneId))),
        ]),
    );
    for (const [topic, text] of wanted) {
      if (this.#shown.get(topic) === text) continue;
      this.#shown.set(topic, text);
      this.#publish(topic, text, true);
      this.#counters.values += 1;
    }
    for (const topic of this.#shown.keys()) {
      if (wanted.has(topic)) continue;
      this.#shown.delete(topic);
      this.#publish(topic, "", true);
    }
    const state = JSON.stringify({ gatewayId: context.gatewayId, online: true, open: context.alarms() });
    if (state === this.#state) return;
    this.#state = state;
    this.#publish(`${this.#base}/state`, state, true);
  }

  #publish(topic: string, text: string, retain: boolean): void {
    this.#counters.messages += 1;
    this.#client.publish(topic, text, { qos: 1, retain }, (error) => {
      if (error instanceof Error) this.#over.resolve(describeError(error));
    });
  }

  #take(topic: string, payload: Buffer, isRetained: boolean): void {
    if (!topic.startsWith(`${this.#base}/`)) return;
    const [area, first = "", act = ""] = topic.slice(this.#base.length + 1).split("/");
    if (area === "alarms") {
      // Our own, sent back, is equal to what is shown already.
      if (isRetained && payload.length > 0 && !this.#shown.has(topic)) this.#shown.set(topic, payload.toString());
      return;
    }
    if (area !== "acts") return;
    if (payload.length === 0) return; // somebody removes a retained message
    if (this.#running >= maxRunning) {
      this.#answer(first, refused(null, act, "busy", "too many requests at once"));
      return;
    }
    this.#running += 1;
    void this.#act(first, act, payload, isRetained).finally(() => {
      this.#running -= 1;
    });
  }

  async #act(user: string, act: string, payload: Buffer, isRetained: boolean): Promise<void> {
    this.#answer(user, await this.#judge(user, act, payload, isRetained));
  }

  async #judge(user: string, act: string, payload: Buffer, isRetained: boolean): Promise<Result> {
    const read = readPanelAct(act, payload, this.#context.clock.nowMs());
    // It may be as old as the broker.
    if (isRetained) return refused(read.id, act, "retained", "requests must not be retained");
    const may = this.#options.users.find((one) => one.user === user)?.may ?? [];
    if (!may.some((kind) => kind === act)) return refused(read.id, act, "not-allowed", `${user} may not do this`);
    if (read.kind === "refused") return refused(read.id, act, read.code, read.message);
    try {
      const outcome = await this.#context.act({
        action: read.action,
        actor: actorOf(user, read.person, "MQTT"),
        onceKey: `${user}:${read.id}`,
      });
      if (outcome.kind === "refused") return refused(read.id, act, outcome.reason, null);
      return { id: read.id, act, outcome: "done", code: null, message: null };
    } catch (error) {
      return refused(read.id, act, "not-durable", errorCode(error) ?? describeError(error));
    }
  }

  #answer(user: string, result: Result): void {
    if (result.outcome === "refused") this.#counters.refusedCommands += 1;
    this.#context.logger.info("panel-act", { user, ...result });
    this.#publish(`${this.#base}/results/${user}`, JSON.stringify(result), false);
  }
}

const refused = (id: string | null, act: string, code: string, message: string | null): Result => ({
  id,
  act,
  outcome: "refused",
  code,
  message,
});

function baseOf({ topic }: MqttPanelOptions, { gatewayId }: ViewContext): string {
  return topic ?? `frostlight/${gatewayId}`;
}
