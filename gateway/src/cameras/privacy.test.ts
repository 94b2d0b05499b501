import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { EvidenceRole, Finding } from "@frostlight/contract";
import type { DetectedBox } from "@frostlight/edge-models";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { CameraOutput, Frame } from "../core/camera.ts";
import { cameraConfig } from "./camera-config.ts";
import { FindingReporter } from "./finding-reporter.ts";
import { hideFaces, mosaic } from "./privacy.ts";
import { nothingTaught } from "./taught-heads.ts";
import { fakeHead, fakeModel, fakeModels } from "./testing/fake-models.ts";
import { CameraVision } from "./vision.ts";

const [width, height] = [640, 360];
const person: DetectedBox = { left: 0.3, top: 0.1, right: 0.6, bottom: 0.95, label: "person", score: 0.83 };
const face: DetectedBox = { left: 0.4, top: 0.14, right: 0.48, bottom: 0.3, label: "face", score: 0.7 };

/** Stripes of one pixel: any detail that is left shows. */
function striped(seed = 0) {
  const noise = seededRandom(seed + 1);
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const x = Math.floor(at / 3) % width;
    return (x % 2) * 200 + Math.floor(noise.next() * 30);
  });
  return { width, height, rgb };
}

/** Mean difference of neighbours in a part of the picture. */
function detail(image: { readonly rgb: Uint8Array }, { left, top, right, bottom }: DetectedBox): number {
  let [sum, count] = [0, 0];
  for (let y = Math.ceil(top * height); y < Math.floor(bottom * height); y += 1) {
    for (let x = Math.ceil(left * width); x < Math.floor(right * width) - 1; x += 1) {
      const at = (y * width + x) * 3;
      sum += Math.abs((image.rgb[at] ?? 0) - (image.rgb[at + 3] ?? 0));
      count += 1;
    }
  }
  return sum / count;
}

describe("a public picture", () => {
  it("shows at most some five squares of one colour each where a face was, and the rest as it is", () => {
    const image = striped();
    const hidden = mosaic(image, [face]);
    const colours = new Set<number>();
    for (let y = Math.ceil(face.top * height); y < face.bottom * height; y += 1) {
      for (let x = Math.ceil(face.left * width); x < face.right * width; x += 1) {
        const at = (y * width + x) * 3;
        colours.add(((hidden.rgb[at] ?? 0) << 16) | ((hidden.rgb[at + 1] ?? 0) << 8) | (hidden.rgb[at + 2] ?? 0));
      }
    }
    expect(colours.size).toBeLessThanOrEqual(36);
    expect(detail(image, face)).toBeGreaterThan(150);
    expect(detail(hidden, face)).toBeLessThan(15);
    const elsewhere = { ...face, left: 0.75, right: 0.95 };
    expect(detail(hidden, elsewhere)).toBe(detail(image, elsewhere));
  });

  it("hides the head of whom no face was found in, faint people too", async () => {
    const image = striped();
    const faceless = fakeModel({ boxes: () => [] });
    const hidden = await hideFaces(image, [{ ...person, score: 0.12 }], faceless);
    const head = { ...person, left: 0.42, right: 0.48, bottom: 0.3 };
    expect(detail(hidden, head)).toBeLessThan(15);
    const feet = { ...person, top: 0.7 };
    expect(detail(hidden, feet)).toBe(detail(image, feet));
  });

  it("takes regions that reach over the edge, are empty or lie outside", () => {
    const image = striped();
    const odd = [
      { left: -0.2, top: -0.2, right: 0.1, bottom: 0.1 },
      { left: 0.95, top: 0.95, right: 1.4, bottom: 1.2 },
      { left: 0.5, top: 0.5, right: 0.5, bottom: 0.6 },
      { left: 2, top: 2, right: 3, bottom: 3 },
    ];
    expect(mosaic(image, odd).rgb).toHaveLength(image.rgb.length);
  });
});

/** Camera with a masked-face rule, a closed zone and a taught thing; everything it stores lies in one folder. */
describe("what is stored", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-privacy-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const dimensions = 32;
  const random = seededRandom(7);
  /** What the network saw in faces: numbers that occur nowhere else. */
  const descriptors: Float32Array[] = [];
  const model = fakeModel({
    boxes: () => [person],
    descriptor: () => {
      const descriptor = Float32Array.from({ length: dimensions }, () => 0.2 + random.next());
      descriptors.push(descriptor);
      return descriptor;
    },
  });
  const faces = fakeModel({ id: "faces", boxes: () => [face] });

  async function runKitchen(facesThere = true) {
    const journal: Finding[] = [];
    const output: CameraOutput = {
      finding: async (finding) => {
        journal.push(finding);
        await writeFile(join(folder, "journal.jsonl"), `${JSON.stringify(finding)}\n`, { flag: "a" });
      },
      health: () => Promise.resolve(),
      evidence: async (data: Uint8Array, mediaType: string, role: EvidenceRole) => {
        const sha256 = createHash("sha256").update(data).digest("hex");
        await writeFile(join(folder, sha256), data);
        return { sha256, mediaType, sizeBytes: data.length, role };
      },
    };
    const clock = new FakeClock();
    const config = cameraConfig.parse({
      id: "kitchen",
      zone: "prep",
      name: { zh: "厨房", en: "Kitchen" },
      frames: { kind: "folder", path: "/unused" },
      rules: [
        { id: "closed", kind: "closed-zone" },
        { id: "mask", kind: "mask", minFacePixels: 20 },
        { id: "hat", kind: "taught", thing: "hat", on: "head" },
      ],
    });
    const models = fakeModels({
      get: () => Promise.resolve(model),
      head: () => Promise.resolve({ head: fakeHead("mask", dimensions), sha256: "a".repeat(64) }),
      ...(facesThere ? { faces: () => Promise.resolve(faces) } : {}),
    });
    const hat = fakeHead("hat", dimensions);
    const taught = facesThere ? { get: () => hat } : nothingTaught;
    const parts = { config, models, taught, timeZone: "Asia/Shanghai", stateFolder: folder, logger: silentLogger };
    const vision = await CameraVision.open(parts);
    const ring = {
      clip: () =>
        Promise.resolve({ data: Buffer.from("film"), mediaType: "video/mp4" as const, firstMs: 0, lastMs: 1 }),
    };
    const ids = { cameraId: "kitchen", zoneId: "prep", random: seededRandom(1) };
    const options = config.evidence;
    const reporter = new FindingReporter({ ...ids, options, output, models, ring, clock, logger: silentLogger });
    for (let n = 0; n < 14; n += 1) {
      const frame: Frame = { ...striped(n), timeMs: n * 500, monotonicMs: n * 500, jpeg: null };
      for (const hit of await vision.look(frame)) await reporter.report(frame, hit);
    }
    await reporter.settled();
    await vision.close();
    return journal;
  }

  it("holds no descriptor of a face, in whatever form, nor anything beside the contract's fields", async () => {
    const journal = await runKitchen();
    expect(new Set(journal.map(({ ruleId }) => ruleId))).toEqual(new Set(["closed", "mask", "hat"]));
    expect(descriptors.length).toBeGreaterThan(3);
    const names = await readdir(folder);
    const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
    expect(files.length).toBeGreaterThan(6);
    for (const descriptor of descriptors) {
      for (const form of formsOf(descriptor)) {
        for (const [at, file] of files.entries()) expect([names[at], file.includes(form)]).toEqual([names[at], false]);
      }
    }
    const fields = new Set(journal.flatMap((finding) => Object.keys(finding)));
    const contractFields =
      "boxes cameraId evidence explanation findingId firstSeenMs frames heads lastSeenMs modelId modelSha256 ruleId " +
      "ruleKind score severity threshold zoneId";
    expect([...fields].toSorted()).toEqual(contractFields.split(" "));
    for (const list of numberLists(journal)) expect(list.length).toBeLessThan(dimensions);
  });

  it("has for each finding a public picture without the face, an original with it, and a clip that is not public", async () => {
    const journal = await runKitchen();
    const complete = journal.filter(({ evidence }) => evidence.some(({ role }) => role === "clip"));
    expect(complete).toHaveLength(3);
    for (const { evidence } of complete) {
      expect(evidence.map(({ role, public: isPublic }) => [role, isPublic === true])).toEqual([
        ["picture", false],
        ["original", false],
        ["picture", true],
        ["clip", false],
      ]);
      const show = async (at: number) => ({
        rgb: await sharp(join(folder, evidence[at]?.sha256 ?? ""))
          .raw()
          .toBuffer(),
      });
      const inside = { ...face, left: 0.41, right: 0.47, top: 0.16, bottom: 0.28 };
      expect(detail(await show(1), inside)).toBeGreaterThan(100);
      expect(detail(await show(2), inside)).toBeLessThan(20);
    }
  });

  it("is journaled at once, and again under the same id when its clip is there", async () => {
    const journal = await runKitchen();
    const records = Map.groupBy(journal, ({ findingId }) => findingId);
    for (const [first, second, ...more] of records.values()) {
      expect(more).toEqual([]);
      expect(second).toEqual({ ...first, evidence: [...(first?.evidence ?? []), second?.evidence.at(-1)] });
    }
  });

  it("has no public picture where faces cannot be looked for", async () => {
    const journal = await runKitchen(false);
    expect(journal.length).toBeGreaterThan(0);
    expect(journal.flatMap(({ evidence }) => evidence).some((reference) => reference.public === true)).toBe(false);
  });
});

/** Ways in which numbers could have been written down: binary, base64, text. Four numbers in a row are no chance. */
function formsOf(descriptor: Float32Array): readonly (string | Buffer)[] {
  const part = descriptor.slice(8, 12);
  const single = Buffer.from(part.buffer);
  const double = Buffer.from(Float64Array.from(part).buffer);
  const whole = Buffer.from(descriptor.buffer, descriptor.byteOffset, descriptor.byteLength);
  const numbers = [...part].map((value) => String(value));
  return [single, double, whole.toString("base64").slice(8, 40), whole.toString("hex").slice(16, 48), ...numbers];
}

/** All lists of plain numbers, wherever they hang. */
function numberLists(value: unknown): readonly (readonly unknown[])[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(numberLists);
  return Array.isArray(value) && value.every((item) => typeof item === "number") ? [value, ...inner] : inner;
}
