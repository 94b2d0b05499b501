import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { ChangeRecord } from "@frostlight/contract";
import type { Clock, Logger, Random } from "@frostlight/kernel";

import type { CameraOutput } from "../core/camera.ts";
import type { EvidenceSpool } from "../core/journal.ts";
import type { CameraConfig } from "./camera-config.ts";
import { type Camera, createCamera } from "./camera.ts";
import { type InferenceOptions, MachineWatch, readMachine } from "./machine-watch.ts";
import { ModelPool } from "./model-pool.ts";
import { Teaching } from "./teaching/index.ts";

/** A sensor that waits for the processor is worse than a picture that does: under contention a network gets a tenth of its share. */
const inferenceNiceness = 10;

/** All cameras with what they share: models, and what was taught. */
export async function openCameras(parts: {
  readonly cameras: readonly CameraConfig[];
  readonly inference: InferenceOptions;
  readonly timeZone: string;
  readonly isClockSynchronised: () => boolean;
  readonly stateFolder: string;
  readonly recorder: Pick<CameraOutput, "finding" | "health">;
  readonly evidence: Pick<EvidenceSpool, "put" | "read">;
  /** Resolves when durable. */
  readonly journal: (change: ChangeRecord) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Promise<{
  readonly models: ModelPool;
  readonly teaching: Teaching;
  readonly machine: MachineWatch;
  readonly cameras: readonly Camera[];
}> {
  const { recorder, evidence, clock, random, logger, stateFolder, timeZone, isClockSynchronised, environment } = parts;
  const models = new ModelPool(clock, logger.child({ stage: "models" }), inferenceNiceness);
  const machine = new MachineWatch({
    options: parts.inference,
    read: () => readMachine(),
    clock,
    logger: logger.child({ stage: "inference" }),
  });
  const teaching = await Teaching.open({
    ...parts,
    folder: join(stateFolder, "teaching"),
    models,
    logger: logger.child({ stage: "teaching" }),
  });
  teaching.connect(parts.journal);
  const output: CameraOutput = {
    finding: async (finding) => {
      await recorder.finding(finding);
      teaching.note(finding);
    },
    health: (event) => recorder.health(event),
    evidence: (data, mediaType, role) => evidence.put(data, mediaType, role),
  };
  const cameras: Camera[] = [];
  for (const config of parts.cameras) {
    const folder = join(stateFolder, "cameras", config.id);
    await mkdir(folder, { recursive: true });
    cameras.push(
      createCamera({
        config,
        models,
        scheduler: machine.scheduler,
        taught: teaching,
        onFrame: (frame) => {
          teaching.watch(config.id, frame);
        },
        timeZone,
        isClockSynchronised,
        output,
        clock,
        random,
        logger: logger.child({ stage: "camera", camera: config.id }),
        environment,
        stateFolder: folder,
      }),
    );
  }
  const byId = new Map(parts.cameras.map(({ id }, index) => [id, cameras[index]]));
  teaching.connectCameras({
    relearn: async (cameraId, what) => (await byId.get(cameraId)?.relearn(what)) ?? false,
    progress: (cameraId, what) => {
      const { normalPicture, rules = [] } = byId.get(cameraId)?.status() ?? {};
      const scenes = rules.flatMap(({ scene }) => scene ?? []).toSorted((a, b) => a.learnt / a.of - b.learnt / b.of);
      return what === "health" ? normalPicture : scenes[0];
    },
  });
  return { models, teaching, machine, cameras };
}
