// Sets a fresh clone up, then runs what was asked for on Node.js 24. Plain JavaScript: it also runs on Node.js 20.
//   node deploy/setup.mjs                      set up only
//   node deploy/setup.mjs --run FILE [ARGS]    … then run a TypeScript file
//   node deploy/setup.mjs --bin NAME [ARGS]    … then run a package's command
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const stamps = join(root, "node_modules", ".setup");
const [, , mode, target, ...rest] = process.argv;

withLock(() => {
  installPackages();
  buildConsole();
});
if (mode === "--run") run([resolve(root, target), ...rest]);
else if (mode === "--bin") run([binOf(target), ...rest]);
else if (mode !== undefined) fail(`unknown option ${mode}, expected --run FILE or --bin NAME`);

function installPackages() {
  const want = hashOf(["package-lock.json", ".npmrc"]);
  if (readStamp("packages") === want) return;
  say("installing packages from the lock file …");
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--include=dev", "--include=optional"];
  const installed = spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (installed.status !== 0) fail("npm ci failed; see its messages above");
  writeStamp("packages", want);
}

function buildConsole() {
  const folder = join(root, "dashboards", "console");
  if (!existsSync(join(folder, "vite.config.ts"))) return;
  const files = filesUnder(folder).filter((file) => !file.includes("/dist/") && !file.endsWith(".test.ts"));
  const want = hashOf(["package-lock.json", ...files.map((file) => file.slice(root.length + 1))]);
  if (readStamp("console") === want && existsSync(join(folder, "dist", "index.html"))) return;
  say("building the console …");
  const built = spawnSync(node24(), [binOf("vite"), "build", "--logLevel", "warn"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
  });
  if (built.status !== 0) fail("the console could not be built; see the messages above");
  writeStamp("console", want);
}

/** Two commands started at once must not install at once. */
function withLock(work) {
  const lock = join(root, ".setup-lock");
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const age = ageOf(lock);
      if (age > 15 * 60_000 || lockOwnerGone(lock)) rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  writeFileSync(join(lock, "pid"), String(process.pid));
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once("exit", release);
  work();
  release();
  process.off("exit", release);
}

function lockOwnerGone(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function ageOf(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function run(args) {
  const child = spawn(node24(), ["--disable-warning=ExperimentalWarning", ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${dirname(node24())}:${process.env.PATH}` },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("error", (error) => fail(error.message));
  child.once("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function node24() {
  const packaged = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  return fail(`Node.js 24 or newer is needed on ${process.platform}-${process.arch}, found ${process.versions.node}`);
}

function binOf(name) {
  const manifest = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
  const bin = typeof manifest.bin === "string" ? manifest.bin : manifest.bin[name];
  return join(root, "node_modules", name, bin);
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== "node_modules" && entry.name !== "dist")
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort((a, b) => (a < b ? -1 : 1));
}

function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(root, file)))
      .update("\0");
  return hash.digest("hex");
}

function readStamp(name) {
  try {
    return readFileSync(join(stamps, name), "utf8");
  } catch {
    return undefined;
  }
}

function writeStamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
}

function say(text) {
  process.stderr.write(`frostlight: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
