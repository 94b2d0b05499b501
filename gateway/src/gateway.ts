import { mkdir } from "node:fs/promises";
import { uptime } from "node:os";
import { join } from "node:path";

import { type HealthEvent, sha256Hex } from "@frostlight/contract";
import {
  createLogger,
  describeError,
  Lifecycle,
  type Logger,
  type Part,
  readSecret,
  type SecretReference,
  systemClock,
  systemRandom,
} from "@frostlight/kernel";

import { ActDesk } from "./act-desk.ts";
import type { AddedPoints, LoadedConfig } from "./added-points.ts";
import { alarmHealthReport } from "./alarm-health-report.ts";
import { readAlarmMemory } from "./alarm-memory.ts";
import { createAlarmEngine, gatewayRules } from "./alarms/index.ts";
import { AppendWatch } from "./append-watch.ts";
import { Calibrations } from "./calibrations.ts";
import { CameraFinder, openCameras } from "./cameras/index.ts";
import { isClockSet, machineBootId } from "./clock-state.ts";
import { ClockWatch } from "./clock-watch.ts";
import type { GatewayConfig } from "./config/index.ts";
import { dropReporter } from "./drop-reporter.ts";
import { forgetRoom } from "./forget-room.ts";
import { statusReader } from "./gateway-status.ts";
import { type Journal, openEvidenceSpool, openJournal } from "./journal/index.ts";
import { LearnedFile } from "./learned-file.ts";
import { createLocalServer, createWatchdog } from "./local/index.ts";
import { openOutputs } from "./open-outputs.ts";
import { openViews } from "./open-views.ts";
import { createPipeline, createRecording } from "./pipeline/index.ts";
import { Recorder } from "./recorder.ts";
import { type Choice, type RemoteConfiguration, Trial } from "./remote-config/index.ts";
import { bindingsOf, cameraIdentities, describeSite, resolvePoints, resolveZones } from "./resolve-site.ts";
import { reportCard, reportUnusable, sourceContext } from "./source-context.ts";
import { StatusBoard } from "./status-board.ts";
import { takeCommand } from "./take-command.ts";
import { openTrustStore } from "./trust/index.ts";
import { createUplink, loadEnrolment, openIdentity } from "./uplink/index.ts";

/** Shown to the server and on the local page. */
const softwareVersion = "0.1.0";

const clock = systemClock;
const random = systemRandom;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the configuration comes from, besides the file itself. */
interface GatewayInputs extends Pick<LoadedConfig, "unusable"> {
  readonly addedPoints: AddedPoints;
  readonly remote: RemoteConfiguration;
  readonly choice: Choice;
}

/** Wires the gateway's stages together; the only place where they meet. */
export async function buildGateway(
  config: GatewayConfig,
  environment: Environment,
  { addedPoints, unusable, remote, choice }: GatewayInputs,
): Promise<Part> {
  const logger = createLogger({ process: "gateway", level: config.logLevel });
  const folder = (name: string): string => join(config.stateFolder, name);
  for (const { own } of config.sources) await mkdir(folder(join("sources", own.id)), { recursive: true });

  const identity = await openIdentity(folder("identity"));
  const bootId = random.uuid();
  const clockWatch = new ClockWatch({
    clock,
    bootId,
    isSet: () => isClockSet(clock, config.clock.assumeSet),
    machineBootId: machineBootId(),
    uptimeMs: () => uptime() * 1_000,
    file: folder("clock.json"),
    logger: logger.child({ stage: "clock" }),
  });
  await clockWatch.open();
  let watchSpace: ((event: HealthEvent) => void) | undefined;
  const journal = await openJournal({
    folder: folder("journal"),
    gatewayId: identity.gatewayId,
    signingKey: identity.signingKey,
    clock,
    random,
    logger: logger.child({ stage: "journal" }),
    bootId,
    isClockSynchronised: () => clockWatch.isSynchronised,
    options: config.journal,
    // The journal is open before there is anybody to tell.
    onSpace: (event) => watchSpace?.(event),
  });
  clockWatch.connect((items) => journal.append(items, true));
  const evidence = await openEvidenceSpool({
    folder: folder("evidence"),
    clock,
    logger: logger.child({ stage: "evidence" }),
    options: config.journal,
  });

  const zones = resolveZones(config);
  const calibrations = await Calibrations.open({
    file: folder("calibrations.json"),
    points: resolvePoints(config),
    clock,
    logger: logger.child({ stage: "calibrations" }),
  });
  const points = calibrations.points();
  const memoryFile = folder("alarms.json");
  const memory = await readAlarmMemory(memoryFile, logger);
  const pipeline = createPipeline({ points, clock });
  const learned = await LearnedFile.open(folder("alarm-learning.json"), clock, logger.child({ stage: "alarms" }));
  const engine = createAlarmEngine({
    zones,
    points,
    cameras: cameraIdentities(config),
    rules: gatewayRules({ zones, points, cameras: cameraIdentities(config) }, config.alarms.rules),
    clock,
    random,
    ...(memory === undefined ? {} : { restored: memory.engine }),
    learned: learned.kept,
  });
  learned.connect(engine);
  const appends = new AppendWatch(journal, clock);
  const recorder = new Recorder({
    pipeline,
    engine,
    recording: createRecording({ points, zones, clock, alarms: () => engine.active() }),
    journal: appends,
    clock,
    logger: logger.child({ stage: "recorder" }),
    memoryFile,
    outbox: memory?.outbox ?? [],
  });
  watchSpace = (event) => {
    recorder.watch(event);
  };
  const desk = await ActDesk.open({
    file: folder("acts.json"),
    act: (request) => recorder.act(request),
    clock,
    logger: logger.child({ stage: "acts" }),
  });
  const board = new StatusBoard(clock, logger.child({ stage: "sources" }));
  const trust = await openTrustStore({
    file: folder("trust.json"),
    clock,
    logger: logger.child({ stage: "trust" }),
    journal: async (change) => void (await journal.append([{ kind: "change", change }], true)),
    onCard: (card) => {
      reportCard(card, recorder, clock, logger);
    },
  });

  const { models, teaching, machine, cameras } = await openCameras({
    cameras: config.cameras,
    inference: config.inference,
    timeZone: config.site.timeZone,
    isClockSynchronised: () => clockWatch.isSynchronised,
    stateFolder: config.stateFolder,
    recorder,
    evidence,
    journal: async (change) => void (await journal.append([{ kind: "change", change }], true)),
    clock,
    random,
    logger,
    environment,
  });

  const configurationKey = async (): Promise<string | undefined> =>
    (await loadEnrolment(folder("identity")))?.configurationKey;
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
          readToken: tokenReader(config.uplink.enrolmentToken, environment),
          standby: config.uplink.standby.map((entry) => ({
            serverUrl: entry.server,
            folder: folder(join("identity", `server-${sha256Hex(entry.server).slice(0, 16)}`)),
            readToken: tokenReader(entry.enrolmentToken, environment),
          })),
          onHealth: (event) => recorder.health(event),
          onSequenceReused: (epoch, sequence) => {
            void beginNewEpoch(journal, epoch, sequence, logger);
          },
          onCommand: (command) => {
            const { gatewayId } = identity;
            return takeCommand(command, {
              gatewayId,
              configurationKey,
              recorder,
              desk,
              trust,
              calibrations,
              teaching,
              remote,
              clock,
              logger,
            });
          },
        });
  const sources = config.sources.map((source): Part => {
    board.addSource(source.own.id, source.kind);
    const context = sourceContext({
      sourceId: source.own.id,
      stateFolder: folder(join("sources", source.own.id)),
      environment,
      recorder,
      receipts: journal,
      board,
      trust: trust.of(source.own.id),
      clock,
      random,
      logger,
    });
    return source.definition.open(source.options, bindingsOf(config, points, source.own.id), context);
  });
  const outputs = openOutputs({
    configured: config.outputs,
    alarms: () => engine.active(),
    onChange: (outputId, isWorking, message) => {
      const state = isWorking ? "ok" : "failed";
      const explanation = { code: `output-${state}`, parameters: { message } };
      recorder
        .health({ subject: `output:${outputId}`, state, timeMs: clock.nowMs(), explanation })
        .catch((error: unknown) => {
          logger.error("health-not-journaled", { error: describeError(error) });
        });
    },
    environment,
    clock,
    random,
    logger,
  });
  const { views, watch: viewWatch } = await openViews({
    configured: config.views,
    stateFolder: folder("views"),
    gatewayId: identity.gatewayId,
    softwareVersion,
    zones,
    points,
    journal,
    latest: (pointId) => pipeline.latest(pointId),
    openAlarms: () => engine.active(),
    onAlarms: (listener) => recorder.onAlarms(listener),
    rooms: () => engine.rooms(),
    desk,
    trust,
    onHealth: (event) => recorder.health(event),
    environment,
    clock,
    random,
    logger,
  });
  const findable = { enabled: config.local.findCameras, configured: config.cameras };
  const finder = new CameraFinder({ ...findable, clock, random, logger: logger.child({ stage: "camera" }) });
  const status = statusReader({
    finder,
    gatewayId: identity.gatewayId,
    softwareVersion,
    config,
    zones,
    journal,
    uplink,
    board,
    calibrations,
    pipeline,
    cameras,
    machine,
    views,
    outputs,
    engine,
    trust,
    clockWatch,
    clock,
  });
  const watchdog = createWatchdog({
    clock,
    environment,
    // Sources wait for the journal, the main loop does not: where only the disk hangs, it would go on turning.
    progress: () => (appends.isStuck ? false : recorder.progress),
    logger: logger.child({ stage: "watchdog" }),
  });
  const local = createLocalServer({
    options: config.local,
    status,
    act: (request) => desk.act(request, null),
    approve: (approval) => trust.approve(approval),
    forgetRoom: (request) => forgetRoom(request, { engine, learned, recorder, clock }),
    teaching,
    addPoint: (addition) => addedPoints.add(addition, board.discovered()),
    alive: () => watchdog.alive(),
    logger: logger.child({ stage: "local" }),
  });

  const describeNow = async (): Promise<void> => {
    const enrolment = await loadEnrolment(folder("identity"));
    const siteId = enrolment?.siteId ?? "";
    const now = { points: calibrations.points(), nowMs: clock.nowMs() };
    await recorder.describe(describeSite({ config, choice, zones, siteId, softwareVersion, ...now }));
  };
  const describe: Part = { name: "site description", start: describeNow, stop: () => Promise.resolve() };
  calibrations.connect({
    recalibrate: (pointId, calibration) => {
      pipeline.recalibrate(pointId, calibration);
    },
    journal: async (change) => void (await journal.append([{ kind: "change", change }], true)),
    health: (event) => recorder.health(event),
    describe: describeNow,
  });
  const additions: Part = {
    name: "added points",
    start: async () => {
      await addedPoints.journal(async (change) => void (await journal.append([{ kind: "change", change }], true)));
      reportUnusable(unusable, recorder, clock, logger);
    },
    stop: () => Promise.resolve(),
  };
  const trial = new Trial({
    remote,
    choice,
    link: () => (uplink?.status().state === "connected" ? uplink.status().reconnects : undefined),
    journal: async (item) => void (await journal.append([item], true)),
    clock,
  });
  const closeJournal: Part = { name: "journal", start: () => Promise.resolve(), stop: () => journal.close() };
  const drops = dropReporter(board, recorder, clock, logger);
  const healthReport = alarmHealthReport({ health: () => engine.health(), recorder, clock, logger });
  const lifecycle = new Lifecycle(
    [
      closeJournal,
      clockWatch,
      learned,
      recorder,
      trust,
      additions,
      describe,
      trial,
      calibrations,
      teaching,
      local,
      ...(uplink === undefined ? [] : [uplink]),
      drops,
      healthReport,
      ...views,
      viewWatch,
      ...outputs,
      ...sources,
      models,
      machine,
      ...cameras,
      finder,
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

/** An old copy of the journal was put back: the next start begins a new epoch, so the process asks for one. */
async function beginNewEpoch(journal: Journal, epoch: string, sequence: number, logger: Logger): Promise<void> {
  try {
    if (await journal.onServerKnows(epoch, sequence, true)) process.kill(process.pid, "SIGTERM");
  } catch (error) {
    logger.error("epoch-not-ended", { error: describeError(error) });
  }
}

function tokenReader(
  reference: SecretReference | undefined,
  environment: Environment,
): () => Promise<string | undefined> {
  return async () => (reference === undefined ? undefined : readSecret(reference, environment));
}
