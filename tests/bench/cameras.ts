/**
 * Many cameras on little hardware: 1, 2, 4 and 8 of them in a process of their own, with motion in every frame at 2 frames a
 * second. Resident memory, the longest time between two looks at each camera, and how late the main loop (which serves the
 * sensors) comes to its timers. Then whole gateways with 0 and 8 cameras by turns: how long an MQTT sample takes to be in the journal.
 *
 *   npm run -s bench:cameras [-- --counts 1,2,4,8] [--seconds 30] [--rounds 3] [--only sensors] [--json]
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { type Camera, createCamera } from "../../gateway/src/cameras/camera.ts";
import { cameraConfig, ModelPool } from "../../gateway/src/cameras/index.ts";
import { LookScheduler } from "../../gateway/src/cameras/scheduler.ts";
import { gatewayEnvironment } from "../sims/child.ts";
import { sensorDelays } from "./cameras-sensors.ts";
import { discarded, makePictures } from "./vision-pipeline.ts";

const { values } = parseArgs({
  options: {
    counts: { type: "string", default: "1,2,4,8" },
    seconds: { type: "string", default: "30" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
    /** Of the child: the folder with pictures. */
    folder: { type: "string" },
  },
});
const seconds = Number(values.seconds);

interface Measured {
  readonly cameras: number;
  readonly residentMb: number;
  readonly looksPerSecond: number;
  readonly fewestLooks: number;
  readonly longestGapSeconds: number;
  readonly load: number;
  readonly loopDelayP99Ms: number;
}

async function measure(count: number, folder: string): Promise<Measured> {
  const models = new ModelPool(systemClock, silentLogger);
  const scheduler = new LookScheduler(systemClock, { maxLoad: 0.8 });
  const cameras: Camera[] = [];
  for (let n = 0; n < count; n += 1) {
    const stateFolder = join(folder, `state-${count}-${n}`);
    await mkdir(stateFolder, { recursive: true });
    const config = cameraConfig.parse({
      id: `camera-${n}`,
      zone: "bench",
      name: { zh: "性能测试", en: "Benchmark" },
      frames: { kind: "folder", path: join(folder, "pictures"), fps: 2 },
      rules: [{ id: "closed", kind: "closed-zone" }],
    });
    cameras.push(
      createCamera({
        config,
        timeZone: "Asia/Shanghai",
        models,
        scheduler,
        output: discarded,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        environment: {},
        stateFolder,
      }),
    );
  }
  for (const camera of cameras) await camera.start();
  while (cameras.some((camera) => (camera.status().looks ?? 0) < 10)) await sleep(100);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const first = cameras.map((camera) => camera.status().looks ?? 0);
  const looks = [...first];
  const changedMs = cameras.map(() => performance.now());
  const gapsMs = cameras.map(() => 0);
  const endMs = performance.now() + seconds * 1_000;
  while (performance.now() < endMs) {
    await sleep(20);
    for (const [n, camera] of cameras.entries()) {
      const nowMs = performance.now();
      gapsMs[n] = Math.max(gapsMs[n] ?? 0, nowMs - (changedMs[n] ?? nowMs));
      const seen = camera.status().looks ?? 0;
      if (seen !== looks[n]) changedMs[n] = nowMs;
      looks[n] = seen;
    }
  }
  delay.disable();
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1_024;
  const { load } = scheduler.status();
  for (const camera of cameras) await camera.stop();
  await models.stop();
  const gained = looks.map((seen, n) => seen - (first[n] ?? 0));
  return {
    cameras: count,
    residentMb: Math.round(resident),
    looksPerSecond: Number((gained.reduce((sum, n) => sum + n, 0) / seconds).toFixed(1)),
    fewestLooks: Math.min(...gained),
    longestGapSeconds: Number((Math.max(...gapsMs) / 1_000).toFixed(2)),
    load: Number(load.toFixed(2)),
    loopDelayP99Ms: Number((delay.percentile(99) / 1e6).toFixed(1)),
  };
}

if (values.folder !== undefined) {
  process.send?.(await measure(Number(values.counts), values.folder));
  process.disconnect();
} else {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-bench-cameras-"));
  try {
    await mkdir(join(folder, "pictures"));
    for (const [n, picture] of (await makePictures(40, true)).entries()) {
      await writeFile(join(folder, "pictures", `${String(n).padStart(3, "0")}.jpg`), picture);
    }
    const results: Measured[] = [];
    for (const count of values.only === "sensors" ? [] : values.counts.split(",")) {
      const child = fork(import.meta.filename, ["--counts", count, "--seconds", values.seconds, "--folder", folder], {
        env: { ...process.env, ...gatewayEnvironment },
      });
      results.push(
        await new Promise<Measured>((resolve, reject) => {
          child.once("message", (message) => {
            resolve(message as Measured); // sent above
          });
          child.once("exit", (code) => {
            reject(new Error(`the process with ${count} cameras ended with ${code}`));
          });
        }),
      );
    }
    const rounds = Number(values.rounds);
    const pictures = join(folder, "pictures");
    const sensors = await sensorDelays({ folder, pictures, cameras: 8, seconds, rounds });
    if (!values.json) {
      if (results.length > 0) console.table(results);
      console.table({ "0 cameras": sensors.withoutCameras, "8 cameras": sensors.withCameras });
      console.log(`publish → in the journal, p99 with 8 cameras ÷ without: ${sensors.p99Ratio}`);
    }
    const [one, last] = [results[0], results.at(-1)];
    const more = (last?.cameras ?? 1) - (one?.cameras ?? 1);
    const eachFurtherMb = more === 0 ? null : ((last?.residentMb ?? 0) - (one?.residentMb ?? 0)) / more;
    console.log(JSON.stringify({ name: "cameras", seconds, eachFurtherMb, sensors, results }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
