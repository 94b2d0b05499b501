import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Why no film can be made here; undefined when it can. On a build server a missing ffmpeg is a failure. */
export function missingFfmpeg(): string | undefined {
  if (spawnSync("ffmpeg", ["-version"]).status === 0) return undefined;
  if (process.env["CI"] === "true") throw new Error("ffmpeg is missing");
  return "needs ffmpeg";
}

/** An MP4 of some megabytes as a clip is made of one: H.264, its index in front, one key frame a second. */
export async function testFilm(seconds: number): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-film-"));
  try {
    const path = join(folder, "film.mp4");
    const picture = `testsrc2=size=640x360:rate=10:duration=${seconds},noise=alls=60:allf=t`;
    const codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "10", "-pix_fmt", "yuv420p"];
    const run = ["-loglevel", "error", "-f", "lavfi", "-i", picture, ...codec, "-movflags", "+faststart", path];
    await promisify(execFile)("ffmpeg", run, { timeout: 60_000 });
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
