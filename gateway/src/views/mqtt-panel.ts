import { describeError, peerRetry, retryDelayMs } from "@frostlight/kernel";

import { defineView, type View, type ViewContext, type ViewState, type ViewStatus } from "../core/view.ts";
import { type MqttPanelOptions, mqttPanelOptions } from "./mqtt-panel-options.ts";
import { type PanelCounters, PanelSession } from "./panel-session.ts";

/** A connection that held for so long was a good one: the next is tried at once. */
const goodMs = 30_000;

/** The alarms on an MQTT broker, for panels that show them and act on them. */
class MqttPanelView implements View {
  readonly name: string;
  readonly #options: MqttPanelOptions;
  readonly #context: ViewContext;
  readonly #stopping = new AbortController();
  readonly #counters: PanelCounters = { messages: 0, values: 0, refusedCommands: 0 };
  #state: ViewState = { state: "starting", code: "starting", message: "" };
  #connects = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MqttPanelOptions, context: ViewContext) {
    this.name = `view ${context.viewId}`;
    this.#options = options;
    this.#context = context;
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("stopped"));
    await this.#running;
    this.#setState({ state: "offline", code: "stopped", message: "stopped" });
  }

  status(): ViewStatus {
    return {
      ...this.#state,
      ...this.#counters,
      viewId: this.#context.viewId,
      kind: mqttPanel.kind,
      connects: this.#connects,
      lateValues: 0,
      waitingBatches: 0,
      skippedBatches: 0,
    };
  }

  async #run(): Promise<void> {
    const { clock, random, logger } = this.#context;
    const { signal } = this.#stopping;
    const { url } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const beginMs = clock.monotonicMs();
      try {
        const session = await PanelSession.connect(this.#options, this.#context, this.#counters, signal);
        this.#connects += 1;
        this.#setState({ state: "online", code: "connected", message: url });
        const reason = await session.run();
        await session.end();
        this.#setState({ state: "offline", code: "connection-lost", message: `${url}: ${reason}` });
      } catch (error) {
        if (signal.aborted) return;
        logger.debug("view-connect-failed", { server: url, error: describeError(error) });
        this.#setState({ state: "offline", code: "connect-failed", message: `${url}: ${describeError(error)}` });
      }
      if (clock.monotonicMs() - beginMs >= goodMs) failures = 0;
      await clock.sleep(retryDelayMs(peerRetry, failures, random), signal).catch(() => undefined);
    }
  }

  #setState(state: ViewState): void {
    const isNews = state.state !== this.#state.state || state.code !== this.#state.code;
    this.#state = state;
    if (isNews) this.#context.logger.info("view-state", { view: this.#context.viewId, ...state });
  }
}

export const mqttPanel = defineView({
  kind: "mqtt-panel",
  shows: "present",
  options: mqttPanelOptions,
  example: {
    url: "mqtts://broker.example.org:8883",
    users: [{ user: "panel-1", may: ["acknowledge", "action-done", "shelve", "unshelve"] }],
  },
  open: (options, context) => new MqttPanelView(options, context),
});
