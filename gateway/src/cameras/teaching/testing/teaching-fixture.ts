import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ChangeRecord, Finding } from "@frostlight/contract";
import type { LoadedModel } from "@frostlight/edge-models";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";

import { cameraConfig } from "../../camera-config.ts";
import { fakeModel } from "../../testing/fake-models.ts";
import { Teaching } from "../teaching.ts";

const noon = Date.UTC(2026, 10, 22, 12);
export const ann = { actor: "ann", commandId: null } as const;
export const whole = { left: 0, top: 0, right: 1, bottom: 1 };

const kitchen = cameraConfig.parse({
  id: "kitchen",
  zone: "kitchen",
  name: { zh: "厨房", en: "Kitchen" },
  frames: { kind: "folder", path: "." },
  rules: [{ kind: "taught", id: "no-hat", thing: "hat", on: "head", alarmWhen: "no", minWidth: 60, minHeight: 120 }],
});

/** Sees the mean colour of a region, and one person in the middle. */
export function colourModel(sha256: string): LoadedModel {
  const person = { left: 0.3, top: 0.1, right: 0.6, bottom: 0.9, label: "person", score: 0.9 };
  return {
    ...fakeModel({ boxes: () => [person] }),
    sha256,
    describe: (image, regions) =>
      Promise.resolve(
        regions.map((region) => {
          const sums = [0, 0, 0, 0];
          for (let y = Math.floor(region.top * image.height); y < region.bottom * image.height; y += 1) {
            for (let x = Math.floor(region.left * image.width); x < region.right * image.width; x += 1) {
              for (const channel of [0, 1, 2]) {
                sums[channel] = (sums[channel] ?? 0) + (image.rgb[(y * image.width + x) * 3 + channel] ?? 0);
              }
              sums[3] = (sums[3] ?? 0) + 1;
            }
          }
          return Float32Array.from([0, 1, 2], (channel) => (sums[channel] ?? 0) / (sums[3] ?? 1) / 255);
        }),
      ),
  };
}

/** A plain picture of one colour. */
export function plain(colour: { readonly r: number; readonly g: number; readonly b: number }): Promise<Buffer> {
  return sharp({ create: { width: 128, height: 96, channels: 3, background: colour } })
    .jpeg()
    .toBuffer();
}

export interface Bench {
  readonly folder: string;
  readonly clock: FakeClock;
  readonly changes: ChangeRecord[];
  readonly evidence: Map<string, Buffer>;
  /** Detector the camera has at the next opening. */
  model: LoadedModel;
  teaching: Teaching;
  /** As after a restart. */
  reopen(): Promise<Teaching>;
  /** Marks an evidence picture of its own colour. */
  mark(shade: number, answer: "yes" | "no"): Promise<void>;
  close(): Promise<void>;
}

const hex = (text: string): string => Buffer.from(text.padEnd(32, "-")).toString("hex").slice(0, 64);

export async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-teaching-"));
  const clock = new FakeClock(noon);
  const changes: ChangeRecord[] = [];
  const evidence = new Map<string, Buffer>();
  const open = async (): Promise<Teaching> => {
    const teaching = await Teaching.open({
      folder,
      cameras: [kitchen],
      models: { get: () => Promise.resolve(bench.model) },
      evidence: {
        read: (sha256) => {
          const data = evidence.get(sha256);
          return Promise.resolve(data === undefined ? undefined : { data, mediaType: "image/jpeg" });
        },
      },
      clock,
      random: seededRandom(1),
      logger: silentLogger,
    });
    teaching.connect((change) => {
      changes.push(change);
      return Promise.resolve();
    });
    await teaching.start();
    return teaching;
  };
  const bench: Bench = {
    folder,
    clock,
    changes,
    evidence,
    model: colourModel("a".repeat(64)),
    // replaced below, once there is a bench to open it with
    teaching: undefined as unknown as Teaching,
    reopen: async () => {
      await bench.teaching.stop();
      bench.teaching = await open();
      return bench.teaching;
    },
    mark: async (shade, answer) => {
      const sha256 = hex(`${answer}${shade}`);
      evidence.set(sha256, await plain(answer === "yes" ? { r: shade, g: 20, b: 20 } : { r: 20, g: 20, b: shade }));
      const picture = { kind: "evidence", cameraId: "kitchen", sha256 } as const;
      const outcome = await bench.teaching.teach({ kind: "mark", thing: "hat", picture, region: whole, answer }, ann);
      if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
    },
    close: async () => {
      await bench.teaching.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  bench.teaching = await open();
  return bench;
}

export const hat = {
  kind: "define-thing",
  thing: "hat",
  name: { zh: "厨师帽", en: "Hat" },
  on: "head",
  cameras: ["kitchen"],
} as const;

/** A finding of the rule that nobody wears the hat. */
export function hatMissing(findingId: string, original: string): Finding {
  const file = { sha256: original, mediaType: "image/jpeg", sizeBytes: 1_000, role: "original" } as const;
  return {
    findingId,
    cameraId: "kitchen",
    zoneId: "kitchen",
    ruleId: "no-hat",
    ruleKind: "taught",
    severity: "warning",
    firstSeenMs: noon,
    lastSeenMs: noon + 3_600_000,
    score: 0.9,
    threshold: 0.7,
    modelId: "fake",
    modelSha256: "a".repeat(64),
    boxes: [{ left: 0.2, top: 0.05, right: 0.7, bottom: 0.95, label: "person", score: 0.9 }],
    evidence: [file],
    explanation: { code: "taught-thing-missing", parameters: { thing: "hat" } },
    heads: [{ id: "taught:hat", sha256: "b".repeat(64) }],
  };
}
