import { join } from "node:path";

import { describeError, peerRetry, retryDelayMs } from "@frostlight/kernel";

import { decodeSparkplug } from "../core/sparkplug/read-payload.ts";
import { formatSparkplugTopic, parseSparkplugTopic } from "../core/sparkplug/topic.ts";
import { defineView, type View, type ViewContext, type ViewState, type ViewStatus } from "../core/view.ts";
import { DeliveryProgress } from "./delivery-progress.ts";
import { openSocket, readCredentials, SparkplugConnection } from "./sparkplug-connection.ts";
import { BirthCounter } from "./sparkplug-counter.ts";
import { HostState, stateTopic } from "./sparkplug-host.ts";
import { rebirthName, SparkplugNode } from "./sparkplug-node.ts";
import { type SparkplugOptions, sparkplugOptions } from "./sparkplug-options.ts";
import { PositionFile } from "./sparkplug-position.ts";
import { type SessionEnd, SparkplugSession } from "./sparkplug-session.ts";

const saveMs = 10_000;
/** A connection that held for so long was a good one: the next is tried at once. */
const goodMs = 30_000;

/** The gateway as an edge node of Sparkplug B 3.0: sessions one after the other, on one server at a time. */
class SparkplugView implements View {
  readonly name: string;
  readonly #options: SparkplugOptions;
  readonly #context: ViewContext;
  readonly #stopping = new AbortController();
  readonly #counters = { messages: 0, values: 0, lateValues: 0, skippedBatches: 0 };
  readonly #hosts = new Map<string, HostState>();
  readonly #position: PositionFile;
  readonly #node: SparkplugNode;
  #state: ViewState = { state: "starting", code: "starting", message: "" };
  #connects = 0;
  #refusedCommands = 0;
  #progress: DeliveryProgress | undefined;
  #session: SparkplugSession | undefined;
  #running: Promise<void> | undefined;
  #cancelSave: (() => void) | undefined;

  constructor(options: SparkplugOptions, context: ViewContext) {
    this.name = `view ${context.viewId}`;
    this.#options = options;
    this.#context = context;
    this.#position = new PositionFile(join(context.stateFolder, "position.json"));
    const { group, edgeNode } = options;
    this.#node = new SparkplugNode({ ...context, group, edgeNode });
  }

  async start(): Promise<void> {
    const { clock, journal, stateFolder } = this.#context;
    let counter: BirthCounter;
    try {
      counter = await BirthCounter.open(join(stateFolder, "bdseq.json"));
      const settled = await this.#position.open(journal.epoch, journal.lastSequence);
      this.#progress = new DeliveryProgress(settled, this.#overlapMs);
    } catch (error) {
      this.#setState({ state: "offline", code: "not-ready", message: describeError(error) });
      return;
    }
    if (this.#stopping.signal.aborted) return;
    this.#cancelSave = clock.every(saveMs, () => {
      void this.#save();
    });
    this.#running = this.#run(counter, this.#progress);
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new Error("stopped"));
    this.#cancelSave?.();
    this.#session?.finish({ kind: "stopped" });
    await this.#running;
    if (this.#progress !== undefined) await this.#save();
    this.#setState({ state: "offline", code: "stopped", message: "stopped" });
  }

  status(): ViewStatus {
    const { journal, viewId } = this.#context;
    const undelivered = journal.lastSequence - (this.#progress?.settled ?? journal.lastSequence);
    return {
      ...this.#state,
      ...this.#counters,
      viewId,
      kind: sparkplugB.kind,
      connects: this.#connects,
      refusedCommands: this.#refusedCommands,
      waitingBatches: this.#session?.isBorn === true ? this.#session.waitingBatches : undelivered,
    };
  }

  /** Without a host to wait for, reaching the server is all there is. */
  get #overlapMs(): number {
    return this.#options.primaryHost === undefined ? 0 : this.#options.history.overlapSeconds * 1_000;
  }

  async #run(counter: BirthCounter, progress: DeliveryProgress): Promise<void> {
    const { clock, random, logger } = this.#context;
    const { servers } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    for (let turn = 0; !signal.aborted; turn += 1) {
      const server = servers[turn % servers.length] ?? "";
      const beginMs = clock.monotonicMs();
      try {
        this.#reportEnd(server, await this.#connectOnce(server, counter, progress));
      } catch (error) {
        if (signal.aborted) break;
        logger.debug("view-connect-failed", { server, error: describeError(error) });
        this.#setState({ state: "offline", code: "connect-failed", message: `${server}: ${describeError(error)}` });
      }
      if (signal.aborted) break;
      if (clock.monotonicMs() - beginMs >= goodMs) failures = 0;
      await clock.sleep(retryDelayMs(peerRetry, failures, random), signal).catch(() => undefined);
      failures += 1;
    }
  }

  async #connectOnce(server: string, counter: BirthCounter, progress: DeliveryProgress): Promise<SessionEnd> {
    const { clock, environment, gatewayId, viewId } = this.#context;
    const { signal } = this.#stopping;
    const { group, edgeNode, primaryHost } = this.#options;
    const credentials = await readCredentials(this.#options, environment);
    const socket = await openSocket(server, credentials, clock, signal);
    const bdSeq = await counter.next();
    const topics = [formatSparkplugTopic({ group, type: "NCMD", edgeNode, device: null })];
    if (primaryHost !== undefined) topics.push(stateTopic(primaryHost));
    const early: (readonly [string, Uint8Array])[] = [];
    const connection = await SparkplugConnection.begin({
      socket,
      server,
      options: this.#options,
      credentials,
      clientId: this.#options.clientId ?? `frostlight-${gatewayId}-${viewId}`.slice(0, 64),
      will: this.#node.death(bdSeq, clock.nowMs()),
      topics,
      onMessage: (topic, payload) => early.push([topic, payload]),
      clock,
      signal,
    });
    this.#connects += 1;
    const session = new SparkplugSession({
      options: this.#options,
      context: this.#context,
      connection,
      node: this.#node,
      bdSeq,
      progress,
      counters: this.#counters,
      onBirth: () => {
        this.#setState({ state: "online", code: "connected", message: `born at ${server}, bdSeq ${bdSeq}` });
      },
    });
    this.#session = session;
    if (primaryHost !== undefined) {
      this.#setState({ state: "waiting", code: "waiting-for-host", message: `${server}: waiting for ${primaryHost}` });
    }
    connection.onMessage = (topic, payload) => {
      this.#take(session, server, topic, payload);
    };
    for (const [topic, payload] of early) this.#take(session, server, topic, payload);
    if (signal.aborted) session.finish({ kind: "stopped" });
    try {
      const end = await session.run();
      await connection.end(session.isBorn ? this.#node.death(bdSeq, clock.nowMs()) : undefined);
      progress.ended(end.kind === "host-offline" && end.clean);
      return end;
    } catch (error) {
      connection.break();
      progress.ended(false);
      throw error;
    } finally {
      this.#session = undefined;
    }
  }

  #take(session: SparkplugSession, server: string, topic: string, payload: Uint8Array): void {
    const { primaryHost } = this.#options;
    if (primaryHost !== undefined && topic === stateTopic(primaryHost)) {
      this.#takeState(session, server, primaryHost, payload);
      return;
    }
    const parsed = parseSparkplugTopic(topic);
    if (parsed?.type !== "NCMD") return;
    const decoded = decodeSparkplug(payload);
    const metrics = decoded.kind === "ok" ? decoded.value.metrics : [];
    const isRebirth = metrics.some(({ name, raw }) => name === rebirthName && raw?.field === "boolean" && raw.value);
    if (isRebirth) session.requestRebirth();
    if (isRebirth && metrics.length === 1) return;
    this.#refusedCommands += 1;
    this.#context.logger.debug("command-refused", { view: this.#context.viewId, metrics: metrics.length });
  }

  #takeState(session: SparkplugSession, server: string, host: string, payload: Uint8Array): void {
    const known = this.#hosts.get(server) ?? new HostState();
    this.#hosts.set(server, known);
    const news = known.take(payload);
    if (news.kind === "online") session.hostOnline();
    else if (news.kind === "offline") {
      session.hostOffline(news.clean);
      this.#setState({ state: "waiting", code: "host-offline", message: `${server}: ${host} is offline` });
    } else this.#context.logger.warn("host-state-ignored", { view: this.#context.viewId, server, ...news });
  }

  #reportEnd(server: string, end: SessionEnd): void {
    if (end.kind === "closed") {
      this.#setState({ state: "offline", code: "connection-lost", message: `${server}: ${end.reason}` });
    } else if (end.kind === "host-silent") {
      const message = `${server}: ${this.#options.primaryHost ?? ""} is not there`;
      this.#setState({ state: "waiting", code: "host-silent", message });
    }
  }

  #setState(state: ViewState): void {
    const isNews = state.state !== this.#state.state || state.code !== this.#state.code;
    this.#state = state;
    if (isNews) this.#context.logger.info("view-state", { view: this.#context.viewId, ...state });
  }

  async #save(): Promise<void> {
    if (this.#progress === undefined) return;
    try {
      await this.#position.save({ epoch: this.#context.journal.epoch, sequence: this.#progress.settled });
    } catch (error) {
      this.#context.logger.error("position-not-saved", { view: this.#context.viewId, error: describeError(error) });
    }
  }
}

export const sparkplugB = defineView({
  kind: "sparkplug-b",
  shows: "history",
  options: sparkplugOptions,
  example: {
    servers: ["mqtts://broker.example.org:8883"],
    group: "Canteens",
    edgeNode: "Experimental school",
    primaryHost: "scada",
  },
  open: (options, context) => new SparkplugView(options, context),
});
