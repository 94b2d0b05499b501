import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** Packages of ours by name, and the room that importing them enters. */
const packages: Readonly<Record<string, string>> = {
  "@frostlight/contract": "contract",
  "@frostlight/kernel": "kernel",
  "@frostlight/kernel/errors": "kernel",
  "@frostlight/kernel/registry": "kernel",
  "@frostlight/kernel/testing": "kernel",
  "@frostlight/edge-models": "edge-models",
  "@frostlight/edge-models/health": "edge-models",
  "@frostlight/edge-models/tools": "edge-models",
  "@frostlight/grafana": "grafana",
  "@frostlight/gateway/config": "gateway/config",
  "@frostlight/server/config": "server/config",
  "@frostlight/server/openapi": "the server's OpenAPI document",
};

/** The house plan as a table: what a room may import besides itself. `*` = anything of its own process. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  kernel: [],
  "edge-models": ["kernel"],
  "gateway/core": ["contract", "kernel"],
  "gateway/sources": ["gateway/core", "gateway/decoders", "contract", "kernel"],
  "gateway/decoders": ["gateway/core", "contract", "kernel"],
  "gateway/cameras": ["gateway/core", "contract", "kernel", "edge-models"],
  "gateway/pipeline": ["gateway/core", "contract", "kernel"],
  "gateway/alarms": ["gateway/core", "contract", "kernel"],
  "gateway/journal": ["gateway/core", "contract", "kernel"],
  "gateway/uplink": ["gateway/core", "contract", "kernel"],
  "gateway/trust": ["gateway/core", "contract", "kernel"],
  "gateway/views": ["gateway/core", "contract", "kernel"],
  "gateway/outputs": ["gateway/core", "contract", "kernel"],
  "gateway/local": ["gateway/core", "contract", "kernel"],
  "gateway/remote-config": ["gateway/core", "contract", "kernel"],
  "gateway/config": ["gateway/*", "contract", "kernel"],
  "gateway/cli": ["gateway/*", "contract", "kernel", "edge-models"],
  "gateway/main": ["gateway/*", "contract", "kernel", "edge-models"],
  "server/core": ["contract", "kernel"],
  "server/ingest": ["server/core", "contract", "kernel"],
  "server/stores": ["server/core", "contract", "kernel"],
  "server/authority": ["server/core", "contract", "kernel"],
  "server/alarms": ["server/core", "contract", "kernel"],
  "server/notify": ["server/core", "contract", "kernel"],
  "server/supervision": ["server/core", "contract", "kernel"],
  "server/reports": ["server/core", "contract", "kernel"],
  "server/ledger": ["server/core", "contract", "kernel"],
  "server/api": ["server/core", "contract", "kernel"],
  "server/config": ["server/*", "contract", "kernel"],
  "server/main": ["server/*", "contract", "kernel"],
  console: ["contract", "the server's OpenAPI document"],
  grafana: [],
};

/** Data files that another room may read although it may not import its code. */
const sharedData: ReadonlySet<string> = new Set(["gateway/src/alarms/explanations.json"]);

function roomOf(file: string): string | undefined {
  const path = relative(root, file);
  if (path.startsWith("gateway/contract/")) return "contract";
  if (path.startsWith("gateway/kernel/")) return "kernel";
  if (path.startsWith("edge-models/")) return "edge-models";
  if (path.startsWith("dashboards/console/")) return "console";
  if (path.startsWith("dashboards/grafana/")) return "grafana";
  const stage = /^(gateway|server)\/src\/([^/]+)\//.exec(path);
  if (stage !== null) return `${stage[1]}/${stage[2]}`;
  const rootFile = /^(gateway|server)\/src\/[^/]+\.ts$/.exec(path);
  return rootFile === null ? undefined : `${rootFile[1]}/main`;
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const found = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+["']([^"']+)["']/g)];
  const dynamic = [...text.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g)];
  const bare = [...text.matchAll(/(?:^|\n)\s*import\s+["']([^"']+)["']/g)];
  return [...found, ...dynamic, ...bare].flatMap((match) => (match[1] === undefined ? [] : [match[1]]));
}

function targetRoom(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    const target = join(dirname(file), specifier);
    return sharedData.has(relative(root, target)) ? undefined : roomOf(target);
  }
  if (!specifier.startsWith("@frostlight/")) return undefined;
  return packages[specifier] ?? `unknown package ${specifier}`;
}

function isAllowed(from: string, to: string): boolean {
  if (from === to) return true;
  return (allowed[from] ?? []).some((rule) => (rule.endsWith("/*") ? to.startsWith(rule.slice(0, -1)) : rule === to));
}

const files = globSync("{gateway,edge-models,server,dashboards}/**/*.{ts,tsx}", { cwd: root })
  .filter((file) => !/node_modules|\/dist\/|\.test\.tsx?$|\/testing\//.test(file))
  .map((file) => join(root, file));

it("every import follows the house plan", () => {
  const broken: string[] = [];
  for (const file of files) {
    const from = roomOf(file);
    if (from === undefined) continue;
    if (!(from in allowed)) broken.push(`${relative(root, file)}: room "${from}" is not in the house plan`);
    for (const specifier of importsOf(file)) {
      const to = targetRoom(file, specifier);
      if (to !== undefined && !isAllowed(from, to)) {
        broken.push(`${relative(root, file)}: ${from} must not import ${to} ("${specifier}")`);
      }
    }
  }
  expect(files.length).toBeGreaterThan(30);
  expect(broken).toEqual([]);
});

it("the table itself refuses what it should", () => {
  expect(isAllowed("gateway/journal", "gateway/uplink")).toBe(false);
  expect(isAllowed("gateway/core", "gateway/journal")).toBe(false);
  expect(isAllowed("server/main", "gateway/core")).toBe(false);
  expect(isAllowed("gateway/main", "gateway/journal")).toBe(true);
});

it("heavy and native libraries are loaded only when work starts", () => {
  const heavy = /^(?:node-opcua-client|serialport|onnxruntime-node|sharp|influx|pg)$/;
  const broken = files
    // what runs in the product: the scripts beside it (edge-models/training) are commands of their own
    .filter((file) => /^(?:gateway(?:\/\w+)?|server|edge-models)\/src\//.test(relative(root, file)))
    .flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/(?:^|\n)\s*import\s+(?!type\b)[^;'"]*?from\s+["']([^"']+)["']/g)]
        .filter((match) => heavy.test(match[1] ?? ""))
        .map((match) => `${relative(root, file)}: static import of ${match[1] ?? ""}`),
    );
  expect(broken).toEqual([]);
});
