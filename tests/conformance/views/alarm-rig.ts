import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Logger, silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { ActDesk } from "../../../gateway/src/act-desk.ts";
import { readAlarmMemory } from "../../../gateway/src/alarm-memory.ts";
import { alarmRuleConfig, createAlarmEngine, defaultRules } from "../../../gateway/src/alarms/index.ts";
import type { ActiveAlarm, ActOutcome, PersonAction } from "../../../gateway/src/core/alarm-engine.ts";
import type { Point, Zone } from "../../../gateway/src/core/site.ts";
import type { ViewContext } from "../../../gateway/src/core/view.ts";
import { openTestJournal } from "../../../gateway/src/journal/testing/journal-fixture.ts";
import { createPipeline, createRecording } from "../../../gateway/src/pipeline/index.ts";
import { Recorder } from "../../../gateway/src/recorder.ts";
import { openTrustStore } from "../../../gateway/src/trust/index.ts";
import type { TrustStore } from "../../../gateway/src/trust/trust-store.ts";

const zones: readonly Zone[] = [
  {
    zoneId: "freezer",
    name: { zh: "3 号冷冻库", en: "Freezer 3" },
    profileId: "frozen-store",
    limits: { low: null, high: -18, criticalLow: null, criticalHigh: -12 },
    limitsSource: "test",
  },
];
const points: readonly Point[] = ["freezer.air", "freezer.door"].map((pointId) => ({
  pointId,
  zoneId: "freezer",
  name: { zh: "空气", en: "Air" },
  quantity: pointId.endsWith("door") ? "door" : "temperature",
  unit: pointId.endsWith("door") ? "1" : "Cel",
  expectedIntervalMs: 60_000,
  probeRole: null,
  calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
  recording: { mode: "every" },
  validRange: { min: -100, max: 100 },
}));

/** The gateway's real parts around alarms: engine, recorder, journal, desk, trust. */
export async function alarmRig() {
  const complaints: string[] = [];
  const loud: Logger = {
    ...silentLogger,
    error: (event, fields) => void complaints.push(`${event} ${JSON.stringify(fields)}`),
    child: () => loud,
  };
  const folder = await mkdtemp(join(tmpdir(), "frostlight-acts-"));
  const journal = await openTestJournal(join(folder, "journal"));
  const clock = systemClock;
  const rules = [
    ...defaultRules({ zones, points, cameras: [] }).filter(({ id }) => id !== "door-open:freezer.door"),
    // Raises with the first reading.
    alarmRuleConfig.parse({
      id: "warm",
      kind: "limit",
      points: ["freezer.air"],
      side: "high",
      offDelaySeconds: 0,
      stages: [
        { priority: "high", value: -18, onDelaySeconds: 0 },
        { priority: "critical", value: -12, onDelaySeconds: 0 },
      ],
    }),
  ];
  const build = async (restored?: unknown) => {
    const kept = restored === undefined ? {} : { restored };
    const engine = createAlarmEngine({ zones, points, cameras: [], rules, clock, random: systemRandom, ...kept });
    const pipeline = createPipeline({ points, clock });
    const recorder = new Recorder({
      pipeline,
      engine,
      recording: createRecording({ points, zones, clock, alarms: () => engine.active() }),
      journal,
      clock,
      logger: loud,
      memoryFile: join(folder, "alarms.json"),
      outbox: [],
    });
    await recorder.start();
    return { engine, pipeline, recorder };
  };
  let { engine, pipeline, recorder } = await build();
  const openDesk = (): Promise<ActDesk> =>
    ActDesk.open({
      file: join(folder, "acts.json"),
      act: (request) => recorder.act(request),
      clock,
      logger: silentLogger,
    });
  let desk = await openDesk();
  const trust: TrustStore = await openTrustStore({
    file: join(folder, "trust.json"),
    clock,
    logger: silentLogger,
    journal: () => Promise.resolve(),
    onCard: () => undefined,
  });
  const alarm = (): ActiveAlarm | undefined => engine.active().find(({ ruleId }) => ruleId === "warm");
  return {
    folder,
    /** What was logged as an error; a test that passes has none. */
    complaints,
    trust,
    alarm,
    /** The alarm that is expected to be open. */
    open(): ActiveAlarm {
      const open = alarm();
      if (open === undefined) throw new Error("no alarm is open");
      return open;
    },
    context(viewId: string, environment: Readonly<Record<string, string>> = {}): ViewContext {
      return {
        viewId,
        gatewayId: "gw-test",
        softwareVersion: "0.0.1",
        clock,
        random: systemRandom,
        logger: loud,
        stateFolder: folder,
        environment,
        journal,
        zones,
        points,
        latest: (pointId) => pipeline.latest(pointId),
        alarms: () => ({ critical: 0, high: engine.active().length, warning: 0 }),
        openAlarms: () => engine.active(),
        onAlarms: (listener) => recorder.onAlarms(listener),
        rooms: () => engine.rooms(),
        act: ({ action, actor, onceKey }) =>
          desk.act({ action, actor, commandId: null }, onceKey === null ? null : `${viewId}:${onceKey}`),
        trust: trust.of(`view:${viewId}`),
      };
    },
    /** As the server's command and the local page do it. */
    act: (action: PersonAction, commandId: string | null = null): Promise<ActOutcome> =>
      desk.act({ action, actor: "server", commandId }, commandId === null ? null : `command:${commandId}`),
    /** Engine and recorder as after a restart of the process; views are opened anew by the test. */
    async restart(): Promise<void> {
      await recorder.stop();
      const kept = await readAlarmMemory(join(folder, "alarms.json"), loud);
      ({ engine, pipeline, recorder } = await build(kept?.engine));
    },
    /** As after a restart of the process. */
    async reopenDesk(): Promise<void> {
      desk = await openDesk();
    },
    async reading(value: number, pointId = "freezer.air"): Promise<void> {
      const nowMs = clock.nowMs();
      await recorder.submit([
        {
          pointId,
          receivedMs: nowMs,
          sourceTimeMs: nowMs,
          value,
          unit: null,
          quality: "good",
          reason: null,
          backfill: false,
        },
      ]);
    },
    async remove(): Promise<void> {
      await recorder.stop();
      await trust.stop();
      await journal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
export type Rig = Awaited<ReturnType<typeof alarmRig>>;
