import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import {
  createLogger,
  describeError,
  FrostlightError,
  Lifecycle,
  type Logger,
  type Part,
  readSecret,
  readState,
  systemClock,
  systemRandom,
} from "@frostlight/kernel";

import { createAlarmEngine, defaultRules, parseAlarmSnapshot } from "./alarms/index.ts";
import { createCamera, ModelPool } from "./cameras/index.ts";
import { isClockSynchronised } from "./clock-state.ts";
import type { GatewayConfig } from "./config/index.ts";
import type { CameraOutput } from "./core/camera.ts";
import type { Point } from "./core/site.ts";
import type { SourceContext } from "./core/source.ts";
import type { GatewayStatus, UplinkStatus } from "./core/status.ts";
import { openEvidenceSpool, openJournal } from "./journal/index.ts";
import { createLocalServer, createWatchdog } from "./local/index.ts";
import { createPipeline } from "./pipeline/index.ts";
import { type AlarmMemory, Recorder } from "./recorder.ts";
import { describeSite, resolvePoints, resolveZones } from "./resolve-site.ts";
import { StatusBoard } from "./status-board.ts";
import { createUplink, loadEnrolment, openIdentity } from "./uplink/index.ts";

/** Shown to the server and on the local page. */
const softwareVersion = "0.1.0";

const dropReportMs = 60_000;
const clock = systemClock;
const random = systemRandom;

type Environment = Readonly<Record<string, string | undefined>>;

/** Wires the gateway's stages together; the only place where they meet. */
export async function buildGateway(config: GatewayConfig, environment: Environment): Promise<Part> {
  const logger = createLogger({ process: "gateway", level: config.logLevel });
  const folder = (name: string): string => join(config.stateFolder, name);
  for (const { own } of config.sources) await mkdir(folder(join("sources", own.id)), { recursive: true });
  for (const { id } of config.cameras) await mkdir(folder(join("cameras", id)), { recursive: true });

  const identity = await openIdentity(folder("identity"));
  const bootId = random.uuid();
  const journal = await openJournal({
    folder: folder("journal"),
    gatewayId: identity.gatewayId,
    signingKey: identity.signingKey,
    clock,
    random,
    logger: logger.child({ stage: "journal" }),
    bootId,
    isClockSynchronised: () => isClockSynchronised(clock),
    options: config.journal,
  });
  const evidence = await openEvidenceSpool({
    folder: folder("evidence"),
    clock,
    logger: logger.child({ stage: "evidence" }),
    options: config.journal,
  });

  const zones = resolveZones(config);
  const points = resolvePoints(config);
  const memoryFile = folder("alarms.json");
  const memory = await readAlarmMemory(memoryFile, logger);
  const pipeline = createPipeline({ points, clock });
  const engine = createAlarmEngine({
    zones,
    points,
    cameras: cameraIdentities(config),
    rules: mergeRules(defaultRules({ zones, points, cameras: cameraIdentities(config) }), config.alarms.rules),
    clock,
    random,
    ...(memory === undefined ? {} : { restored: memory.engine }),
  });
  const recorder = new Recorder({
    pipeline,
    engine,
    journal,
    clock,
    logger: logger.child({ stage: "recorder" }),
    memoryFile,
    outbox: memory?.outbox ?? [],
  });
  const board = new StatusBoard(clock, logger.child({ stage: "sources" }));

  const uplink =
    config.uplink === undefined
      ? undefined
      : createUplink({
          options: config.uplink.options,
          serverUrl: config.uplink.server,
          folder: folder("identity"),
          identity,
          journal,
          evidence,
          clock,
          random,
          logger: logger.child({ stage: "uplink" }),
          softwareVersion,
          readToken: tokenReader(config, environment),
          onCommand: async (command) => {
            const outcome = await recorder.acknowledge({
              alarmId: command.action.alarmId,
              actor: command.actor,
              commandId: command.commandId,
              comment: command.action.comment,
            });
            logger.info("command", { commandId: command.commandId, outcome: outcome.kind });
          },
        });
  const sources = config.sources.map((source): Part => {
    board.addSource(source.own.id, source.kind);
    const context = sourceContext({ sourceId: source.own.id, config, environment, recorder, board, logger });
    return source.definition.open(source.options, bindingsOf(config, points, source.own.id), context);
  });
  const output: CameraOutput = {
    finding: (finding) => recorder.finding(finding),
    health: (event) => recorder.health(event),
    evidence: (data, mediaType, role) => evidence.put(data, mediaType, role),
  };
  const models = new ModelPool(clock, logger.child({ stage: "models" }));
  const cameras = config.cameras.map((camera) =>
    createCamera({
      config: camera,
      models,
      timeZone: config.site.timeZone,
      output,
      clock,
      random,
      logger: logger.child({ stage: "camera", camera: camera.id }),
      environment,
      stateFolder: folder(join("cameras", camera.id)),
    }),
  );

  const startedMs = clock.nowMs();
  const status = (): GatewayStatus => ({
    gatewayId: identity.gatewayId,
    siteName: config.site.name,
    simulated: config.site.simulated,
    softwareVersion,
    startedMs,
    nowMs: clock.nowMs(),
    journal: journal.stats(),
    uplink: uplink?.status() ?? noUplink,
    sources: board.sources(),
    zones,
    points: points.map((point) => {
      const latest = pipeline.latest(point.pointId);
      return { point, last: latest?.sample ?? null, stale: latest?.stale ?? true };
    }),
    cameras: cameras.map((camera) => camera.status()),
    alarms: engine.active(),
    refusals: board.refusals(),
    residentBytes: process.memoryUsage.rss(),
  });
  const watchdog = createWatchdog({
    clock,
    environment,
    progress: () => recorder.progress,
    logger: logger.child({ stage: "watchdog" }),
  });
  const local = createLocalServer({
    options: config.local,
    status,
    acknowledge: (request) => recorder.acknowledge(request),
    alive: () => watchdog.alive(),
    logger: logger.child({ stage: "local" }),
  });

  const describe: Part = {
    name: "site description",
    start: async () => {
      const enrolment = await loadEnrolment(folder("identity"));
      const siteId = enrolment?.siteId ?? "";
      await recorder.describe(describeSite({ config, zones, points, siteId, softwareVersion, nowMs: clock.nowMs() }));
    },
    stop: () => Promise.resolve(),
  };
  const closeJournal: Part = { name: "journal", start: () => Promise.resolve(), stop: () => journal.close() };
  const drops = dropReporter(board, recorder, logger);
  const lifecycle = new Lifecycle(
    [
      closeJournal,
      recorder,
      describe,
      local,
      ...(uplink === undefined ? [] : [uplink]),
      drops,
      ...sources,
      models,
      ...cameras,
      watchdog,
    ],
    logger,
  );
  return {
    name: "gateway",
    start: async () => {
      await lifecycle.start();
      logger.info("started", { gatewayId: identity.gatewayId, epoch: journal.epoch, local: local.port() });
    },
    stop: () => lifecycle.stop(),
  };
}

const noUplink: UplinkStatus = {
  state: "offline",
  server: "",
  lastAckMs: null,
  unackedBatches: 0,
  refusedBatches: 0,
  sentBatches: 0,
  reconnects: 0,
  pendingEvidence: 0,
  lastError: "no uplink is configured",
};

function cameraIdentities(
  config: GatewayConfig,
): { cameraId: string; zoneId: string; name: { zh: string; en: string } }[] {
  return config.cameras.map((camera) => ({ cameraId: camera.id, zoneId: camera.zone, name: camera.name }));
}

/** A configured rule replaces the default one of the same id. */
function mergeRules<R extends { readonly id: string }>(defaults: readonly R[], configured: readonly R[]): R[] {
  const own = new Set(configured.map((rule) => rule.id));
  return [...defaults.filter((rule) => !own.has(rule.id)), ...configured];
}

function bindingsOf(config: GatewayConfig, points: readonly Point[], sourceId: string) {
  return config.points
    .filter((point) => point.source === sourceId)
    .map((point) => ({
      pointId: point.id,
      unit: point.sourceUnit ?? point.unit,
      address: point.address,
      expectedIntervalMs: points.find(({ pointId }) => pointId === point.id)?.expectedIntervalMs ?? 60_000,
    }));
}

function sourceContext(parts: {
  readonly sourceId: string;
  readonly config: GatewayConfig;
  readonly environment: Environment;
  readonly recorder: Recorder;
  readonly board: StatusBoard;
  readonly logger: Logger;
}): SourceContext {
  const { sourceId, recorder, board } = parts;
  const logger = parts.logger.child({ stage: "source", source: sourceId });
  return {
    sourceId,
    clock,
    random,
    logger,
    stateFolder: join(parts.config.stateFolder, "sources", sourceId),
    environment: parts.environment,
    submit: async (readings) => {
      await recorder.submit(readings);
      board.countReadings(sourceId, readings.length);
    },
    refuse: (refusal) => {
      board.refuse({ ...refusal, sourceId });
    },
    setState: (state) => {
      if (!board.setState(sourceId, state)) return;
      const explanation = { code: `source-${state.state}`, parameters: { code: state.code, message: state.message } };
      const event = { subject: `source:${sourceId}`, state: state.state, timeMs: clock.nowMs(), explanation };
      recorder.health(event).catch((error: unknown) => {
        logger.error("health-not-journaled", { error: describeError(error) });
      });
    },
  };
}

function tokenReader(config: GatewayConfig, environment: Environment): () => Promise<string | undefined> {
  const reference = config.uplink?.enrolmentToken;
  return async () => (reference === undefined ? undefined : readSecret(reference, environment));
}

function dropReporter(board: StatusBoard, recorder: Recorder, logger: Logger): Part {
  let cancel: (() => void) | undefined;
  const report = async (): Promise<void> => {
    const drops = board.takeDrops();
    try {
      await recorder.drops(drops);
    } catch (error) {
      board.returnDrops(drops);
      logger.error("drops-not-journaled", { error: describeError(error) });
    }
  };
  return {
    name: "drop reporter",
    start: () => {
      cancel = clock.every(dropReportMs, () => {
        void report();
      });
      return Promise.resolve();
    },
    stop: async () => {
      cancel?.();
      await report();
    },
  };
}

/** A damaged memory must not keep the alarms from working: it is kept aside, said, and plain rules start afresh. */
async function readAlarmMemory(file: string, logger: Logger): Promise<AlarmMemory | undefined> {
  try {
    return await readState(file, (text): AlarmMemory => {
      const value: unknown = JSON.parse(text);
      if (typeof value !== "object" || value === null || !("engine" in value) || !("outbox" in value)) {
        throw new FrostlightError("alarms/memory-shape", "data", "expected an object with engine and outbox");
      }
      return { engine: parseAlarmSnapshot(value.engine), outbox: Array.isArray(value.outbox) ? value.outbox : [] };
    });
  } catch (error) {
    logger.error("alarm-memory-damaged", { error: describeError(error) });
    return undefined;
  }
}
