import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { cameraConfig, createCamera, ModelPool } from "../../gateway/src/cameras/index.ts";
import { encodeFilm, RtspCamera, rtspCameraMissing } from "../sims/rtsp-camera.ts";
import { discarded } from "./vision-pipeline.ts";

/** Clock ticks of a process, from /proc; 100 a second on Linux. */
function ticks(pid: number | "self"): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function childrenNamed(name: string): readonly number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return stat.includes(`(${name})`) && parent === process.pid ? [Number(entry)] : [];
      } catch {
        return []; // gone meanwhile
      }
    });
}

/**
 * Share of one core that a camera takes in which nothing moves: an H.264 stream of 640 × 360 at 10 frames a second with two key
 * frames a second, of which ffmpeg decodes those; health and motion on each, the network every ten seconds.
 */
export async function measureIdle(pictures: readonly Uint8Array[], folder: string, seconds: number) {
  const missing = rtspCameraMissing();
  if (missing !== null) return { skipped: missing };
  await mkdir(join(folder, "still"), { recursive: true });
  for (const [n, jpeg] of pictures.entries()) await writeFile(join(folder, "still", `${n}.jpg`), jpeg);
  const film = join(folder, "still.h264");
  await encodeFilm(["-framerate", "10", "-i", join(folder, "still", "%d.jpg")], film, 5);
  const server = await RtspCamera.create([`still=${film}@10`]);
  await server.start();
  const models = new ModelPool(systemClock, silentLogger);
  const config = cameraConfig.parse({
    id: "idle",
    zone: "idle",
    name: { zh: "静止", en: "Still" },
    frames: { kind: "rtsp", url: server.url("still"), fps: 2, keyFramesOnly: true },
    rules: [{ id: "closed", kind: "closed-zone" }],
  });
  const camera = createCamera({
    config,
    timeZone: "Asia/Shanghai",
    models,
    output: discarded,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    environment: {},
    stateFolder: folder,
  });
  try {
    await camera.start();
    // the first seconds are start, model and attention to what is new
    for (let waited = 0; camera.status().framesSeen < 60 && waited < 60; waited += 1) await sleep(1_000);
    const [pid] = childrenNamed("ffmpeg");
    if (pid === undefined) throw new Error(`no ffmpeg runs: ${camera.status().problem}`);
    const before = { ...camera.status(), own: ticks("self"), ffmpeg: ticks(pid) };
    await sleep(seconds * 1_000);
    const after = { ...camera.status(), own: ticks("self"), ffmpeg: ticks(pid) };
    const share = (spent: number): number => spent / 100 / seconds;
    const [ownShare, ffmpegShare] = [share(after.own - before.own), share(after.ffmpeg - before.ffmpeg)];
    return {
      seconds,
      framesPerSecond: (after.framesSeen - before.framesSeen) / seconds,
      looksPerSecond: ((after.looks ?? 0) - (before.looks ?? 0)) / seconds,
      ownShare,
      ffmpegShare,
      share: ownShare + ffmpegShare,
    };
  } finally {
    await camera.stop();
    await models.stop();
    await server.kill();
  }
}
