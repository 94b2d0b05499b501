import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { Finding, HealthEvent } from "@frostlight/contract";
import { healthOptions, PictureJudge, toGrey } from "@frostlight/edge-models/health";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { cameraConfig, createCamera, ModelPool } from "../../../gateway/src/cameras/index.ts";
import type { CameraOutput } from "../../../gateway/src/core/camera.ts";

const video = resolve(import.meta.dirname, "../../../../shared/vision/video/vtest.avi");
const programs = spawnSync("ffmpeg", ["-version"]).status === 0 || process.env["CI"] === "true";
const reason = existsSync(video)
  ? programs
    ? null
    : "ffmpeg is missing"
  : "the shared video is not beside the repository";
if (reason !== null) console.warn(`skipped: cameras on real pictures (${reason})`);

const width = 640;
const height = 480;

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}
type Change = (picture: Picture) => Promise<Uint8Array>;
const open = ({ rgb }: Picture) => sharp(rgb, { raw: { width, height, channels: 3 } });

/** Uniform noise of ± 60 grey levels, other in each call. */
function withNoise(rgb: Uint8Array, noise: () => number): Uint8Array {
  return Uint8Array.from(rgb, (value) => Math.max(0, Math.min(255, value + (noise() - 0.5) * 120)));
}

describe.skipIf(reason !== null)("cameras on real pictures", () => {
  let folder: string;
  let pictures: Picture[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-real-pictures-"));
    execFileSync("ffmpeg", [
      "-v",
      "error",
      "-i",
      video,
      "-vf",
      `fps=2,scale=${width}:${height}`,
      join(folder, "%03d.jpg"),
    ]);
    const names = (await readdir(folder)).toSorted();
    pictures = await Promise.all(
      names.map(async (name) => ({ width, height, rgb: await sharp(join(folder, name)).raw().toBuffer() })),
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const random = seededRandom(20_261_122);
  const noise = (): number => random.next();

  /** A judge after 40 normal frames, then eight changed ones. */
  const stateAfter = async (change: Change): Promise<string> => {
    const judge = new PictureJudge(healthOptions.parse({}));
    for (const [n, picture] of pictures.slice(0, 40).entries()) judge.look(toGrey(picture), n * 500);
    for (const [n, picture] of pictures.slice(40, 48).entries()) {
      judge.look(toGrey({ width, height, rgb: await change(picture) }), (40 + n) * 500);
    }
    return judge.state;
  };

  it("have no fault in any of the normal frames", () => {
    const judge = new PictureJudge(healthOptions.parse({}));
    const states = pictures.map((picture, n) => judge.look(toGrey(picture), n * 500));
    expect(states.length).toBeGreaterThan(150);
    expect(new Set(states)).toEqual(new Set(["ok"]));
  });

  it.each<[string, string, Change]>([
    ["blurred", "a lens out of focus", (picture) => open(picture).blur(3).raw().toBuffer()],
    ["black", "lights out", (picture) => open(picture).linear(0.03, 2).raw().toBuffer()],
    ["covered", "a bag over the lens", (picture) => open(picture).blur(60).linear(0.2, 60).raw().toBuffer()],
    [
      "covered",
      "a box in front of four fifths",
      async (picture) => {
        const box = { create: { width: 520, height, channels: 3 as const, background: "#8a6a4a" } };
        const input = await sharp(box).png().toBuffer();
        return open(picture)
          .composite([{ input, left: 0, top: 0 }])
          .removeAlpha()
          .raw()
          .toBuffer();
      },
    ],
    [
      "moved",
      "the camera turned by 3 % of the picture",
      (picture) => {
        const shift = Math.round(width * 0.03);
        return open(picture)
          .extract({ left: shift, top: 0, width: width - shift, height })
          .extend({ right: shift, extendWith: "mirror" })
          .raw()
          .toBuffer();
      },
    ],
    ["over-exposed", "an aperture stuck open", (picture) => open(picture).linear(3, 60).raw().toBuffer()],
    ["noisy", "a failing sensor", (picture) => Promise.resolve(withNoise(picture.rgb, noise))],
    ["ok", "30 % less light", (picture) => open(picture).linear(0.7, 0).raw().toBuffer()],
    ["ok", "30 % more light", (picture) => open(picture).linear(1.3, 0).raw().toBuffer()],
    [
      "ok",
      "coarse compression",
      async (picture) =>
        sharp(await open(picture).jpeg({ quality: 25 }).toBuffer())
          .raw()
          .toBuffer(),
    ],
  ])("are %s with %s", async (state, _, change) => {
    expect(await stateAfter(change)).toBe(state);
  });

  describe("over HTTP with the shipped detector", () => {
    let server: Server;
    let url: string;
    let answer: (n: number) => Uint8Array;
    let jpegs: Uint8Array[];
    let asked = 0;
    const models = new ModelPool(systemClock, silentLogger);

    beforeAll(async () => {
      const names = (await readdir(folder)).toSorted();
      jpegs = await Promise.all(names.map((name) => readFile(join(folder, name))));
      answer = (n) => jpegs[n % jpegs.length] ?? new Uint8Array();
      server = createServer((_, response) => {
        response.writeHead(200, { "content-type": "image/jpeg" }).end(answer(asked));
        asked += 1;
      });
      await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
      const { port } = server.address() as AddressInfo; // listening on TCP: an object
      url = `http://127.0.0.1:${port}/snapshot.jpg`;
    });
    afterAll(async () => {
      await models.stop();
      server.closeAllConnections();
      await new Promise<void>((done) => void server.close(() => done()));
    });

    const openCamera = (id: string, extra: Readonly<Record<string, unknown>>) => {
      const findings: Finding[] = [];
      const health: HealthEvent[] = [];
      const evidence = new Map<string, Uint8Array>();
      const output: CameraOutput = {
        finding: async (finding) => void findings.push(finding),
        health: async (event) => void health.push(event),
        evidence: (data, mediaType, role) => {
          const sha256 = String(evidence.size).padStart(64, "0");
          evidence.set(sha256, data);
          return Promise.resolve({ sha256, mediaType, sizeBytes: data.length, role });
        },
      };
      const config = cameraConfig.parse({
        id,
        zone: "yard",
        name: { zh: "院子", en: "Yard" },
        frames: { kind: "http-snapshot", url, fps: 8 },
        rules: [{ id: "closed", kind: "closed-zone" }],
        ...extra,
      });
      const camera = createCamera({
        config,
        timeZone: "Asia/Shanghai",
        models,
        output,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        environment: {},
        stateFolder: folder,
      });
      return { camera, findings, health, evidence };
    };
    const until = async (what: string, condition: () => boolean): Promise<void> => {
      const { signal } = new AbortController();
      for (let n = 0; n < 1_000 && !condition(); n += 1) await systemClock.sleep(50, signal);
      if (!condition()) throw new Error(`not within 50 s: ${what}`);
    };

    it("find the people, with a picture that shows them, beside a camera whose model is missing", async () => {
      const good = openCamera("good", {});
      const bad = openCamera("bad", { model: join(folder, "no-model") });
      await good.camera.start();
      await bad.camera.start();
      await until("a finding", () => good.findings.length > 0);
      await until("frames of the neighbour", () => bad.camera.status().framesSeen > 5);
      expect(bad.camera.status()).toMatchObject({ health: "ok", findings: 0 });
      expect(bad.camera.status().problem).toContain("no-model");
      await bad.camera.stop();
      await good.camera.stop();
      const [finding] = good.findings;
      expect(finding).toMatchObject({ ruleKind: "closed-zone", modelId: "person-centernet" });
      expect(finding?.score).toBeGreaterThanOrEqual(0.4);
      // a track that was clear once goes on with fainter boxes, from half of 0.3 on
      expect(finding?.boxes.length).toBeGreaterThan(0);
      expect(finding?.boxes.filter(({ label, score }) => label !== "person" || score < 0.15)).toEqual([]);
      const picture = good.evidence.get(finding?.evidence[0]?.sha256 ?? "");
      expect(await sharp(picture).metadata()).toMatchObject({ format: "jpeg", width, height });
    });

    it("go on after a truncated, a foreign and a huge picture, naming each", async () => {
      const huge = await sharp({ create: { width: 9_000, height: 6_000, channels: 3, background: "#888" } })
        .png()
        .toBuffer();
      const first = jpegs[0] ?? new Uint8Array();
      const strange = [first.subarray(0, first.length / 2), Buffer.from("<html></html>"), huge, new Uint8Array()];
      const said = new Set<string>();
      const { camera } = openCamera("strange", { rules: [] });
      const normal = answer;
      for (const bytes of strange) {
        answer = () => bytes;
        if (camera.status().framesSeen === 0 && said.size === 0) await camera.start();
        await until("a new problem", () => {
          const { problem } = camera.status();
          return problem !== null && !said.has(problem);
        });
        said.add(camera.status().problem ?? "");
      }
      answer = normal;
      await until("good frames again", () => camera.status().framesSeen >= 3 && camera.status().problem === null);
      await camera.stop();
      expect(said.size).toBe(strange.length);
    });
  });
});
