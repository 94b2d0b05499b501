import { open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { arch, cpus, platform, release, totalmem, uptime } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { describeError, loadConfig, readSecret, secretReference, systemClock } from "@frostlight/kernel";
import { z } from "zod";

import { type Command, exitCodes } from "./command.ts";
import { askLocalPage } from "./local-page.ts";
import { readConfig } from "./read-config.ts";
import { redactConfiguration, scrub } from "./redact.ts";
import { findRunning } from "./running-gateway.ts";
import { tar } from "./tar.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const maxFiles = 5_000;
const recordHeaderBytes = 24;
/** State files with something in them that lets somebody in; read only to take their contents out of everything else. */
const secretFiles = ["identity", "sources"];
const maxSecretFileBytes = 65_536;

const about = `Frostlight support bundle

  versions.json       software and machine
  configuration.json  the configuration file; secrets are references, anything that looks like one is removed
  problems.txt        what is wrong with the configuration, if anything
  status.json         what the local page shows: sources, points, alarms, refusals, certificates
  metrics.txt         Prometheus metrics
  files.json          names, sizes and times of the state folder's files, without contents
  journal.json        the journal's files with the header of their first record

No password, key or token is in here: each one that this gateway knows was looked for in every file and taken out.
Names of rooms and points, and their last values, are in here.
`;

/** One archive for whoever helps. */
export const supportBundle: Command = {
  summary: "status, metrics, configuration and file lists in one .tar.gz, without secrets",
  run: async (options, { out, environment }) => {
    const nowMs = systemClock.nowMs();
    const raw: unknown = await loadConfig(options.configFile, z.unknown());
    const stateFolder = textAt(raw, "stateFolder");
    const files = new Map<string, string>([["README.txt", about]]);
    files.set("versions.json", json(versions(nowMs)));
    files.set("configuration.json", json(redactConfiguration(raw)));
    let local: Parameters<typeof findRunning>[0] = { host: "127.0.0.1", port: 0 };
    try {
      ({ local } = (await readConfig(options.configFile)).config);
    } catch (error) {
      files.set("problems.txt", `${describeError(error)}\n`);
    }
    const running = await findRunning(local, options.url);
    if (running.kind === "running") {
      files.set("status.json", json(JSON.parse(running.statusText)));
      const metrics = await askLocalPage(running.url, "/metrics");
      files.set("metrics.txt", metrics.kind === "answer" ? metrics.text : `${JSON.stringify(metrics)}\n`);
    } else files.set("status.json", json({ running: false, message: running.message }));
    if (stateFolder !== undefined) {
      files.set("files.json", json(await listFiles(stateFolder)));
      files.set("journal.json", json(await journalHeaders(join(stateFolder, "journal"))));
    }
    const secrets = await knownSecrets(raw, stateFolder, environment);
    const clean = [...files].map(([name, text]) => ({
      name: `frostlight-support/${name}`,
      data: Buffer.from(name === "README.txt" ? text : scrub(text, secrets)),
    }));
    const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const target = options.out ?? `frostlight-support-${stamp}.tar.gz`;
    await writeFile(target, gzipSync(tar(clean, nowMs)), { mode: 0o600, flag: "wx" });
    const how = running.kind === "running" ? "" : ` (${running.message}: without status and metrics)`;
    out(`${resolve(target)}: ${clean.length} files, ${secrets.length} secret(s) looked for and taken out${how}\n`);
    return exitCodes.ok;
  },
};

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

function versions(nowMs: number): unknown {
  return {
    madeAt: new Date(nowMs).toISOString(),
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    cpus: cpus().length,
    memoryBytes: totalmem(),
    uptimeSeconds: Math.round(uptime()),
  };
}

function textAt(value: unknown, key: string): string | undefined {
  const found: unknown = Reflect.get(Object(value), key);
  return typeof found === "string" ? found : undefined;
}

async function listFiles(folder: string): Promise<unknown> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).slice(0, maxFiles);
    return await Promise.all(
      files.map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const { size, mtime } = await stat(path);
        return { path: path.slice(folder.length + 1), sizeBytes: size, changed: mtime.toISOString() };
      }),
    );
  } catch (error) {
    return { problem: describeError(error) };
  }
}

/** Of each journal file the first bytes: a record's header, no content. */
async function journalHeaders(folder: string): Promise<unknown> {
  try {
    const names = (await readdir(folder, { recursive: true })).toSorted().slice(0, maxFiles);
    const headers = [];
    for (const name of names) {
      const path = join(folder, name);
      const about = await stat(path);
      if (!about.isFile()) continue;
      const { size } = about;
      headers.push({
        name,
        sizeBytes: size,
        ...(name.endsWith(".seg") ? { firstHeader: await firstBytes(path) } : {}),
      });
    }
    return headers;
  } catch (error) {
    return { problem: describeError(error) };
  }
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(recordHeaderBytes), 0, recordHeaderBytes, 0);
    return buffer.subarray(0, bytesRead).toString("hex");
  } finally {
    await file.close();
  }
}

/** Everything secret that this gateway can read: what references point to, and what its own state files hold. */
async function knownSecrets(
  raw: unknown,
  stateFolder: string | undefined,
  environment: Environment,
): Promise<readonly string[]> {
  const secrets = new Set<string>();
  const collect = async (value: unknown): Promise<void> => {
    if (typeof value !== "object" || value === null) return;
    const parsed = secretReference.safeParse(value);
    if (parsed.success) {
      const secret = await readSecret(parsed.data, environment).catch(() => "");
      for (const part of [secret, ...secret.split("\n")]) if (part.trim() !== "") secrets.add(part.trim());
    } else for (const inner of Object.values(value)) await collect(inner);
  };
  await collect(raw);
  if (stateFolder !== undefined) {
    for (const name of secretFiles)
      for (const text of await smallTexts(join(stateFolder, name))) addSecretsOf(text, secrets);
  }
  // The longest first: one may be within another.
  return [...secrets].toSorted((a, b) => b.length - a.length);
}

async function smallTexts(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const texts: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || !/\.(?:json|pem|key)$|token|key/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const isSmall = (await stat(path)).size <= maxSecretFileBytes;
    if (isSmall) texts.push(await readFile(path, "utf8").catch(() => ""));
  }
  return texts;
}

/** Passwords and tokens in a JSON state file; the lines of a private key. */
function addSecretsOf(text: string, secrets: Set<string>): void {
  if (text.includes("PRIVATE KEY")) {
    for (const line of text.split(/\\n|\n/)) if (/^[A-Za-z0-9+/=]{24,}/.test(line.trim())) secrets.add(line.trim());
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return;
  }
  const walk = (inner: unknown, key: string): void => {
    if (typeof inner === "string" && /pass|secret|token|privateKey/i.test(key)) secrets.add(inner);
    if (typeof inner === "object" && inner !== null) {
      for (const [name, one] of Object.entries(inner)) walk(one, name);
    }
  };
  walk(value, "");
}
