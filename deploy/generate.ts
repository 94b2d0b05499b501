// Writes every generated file, or with --check says which of them differ from what is committed.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";

import { generateAll } from "@frostlight/grafana";

import { generateApiTypes } from "../dashboards/console/generate.ts";

const root = resolve(import.meta.dirname, "..");
const check = process.argv.includes("--check");

const wanted = new Map<string, string>([
  ...generateContract(),
  ...[...generateAll()].map(([path, text]): [string, string] => [join("dashboards/grafana", path), text]),
  ["dashboards/console/src/api.generated.ts", await generateApiTypes()],
]);

const different = [...wanted].filter(([path, text]) => readIfThere(join(root, path)) !== text).map(([path]) => path);
if (check) {
  for (const path of different) process.stderr.write(`${path} differs from what is generated: run npm run generate\n`);
  process.exitCode = different.length === 0 ? 0 : 1;
} else {
  for (const path of different) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), wanted.get(path) ?? "");
    process.stderr.write(`wrote ${path}\n`);
  }
}

/** Runs buf in a copy, so that checking changes nothing. */
function generateContract(): [string, string][] {
  const folder = mkdtempSync(join(tmpdir(), "frostlight-generate-"));
  try {
    for (const name of ["buf.yaml", "buf.gen.yaml", "proto"]) {
      cpSync(join(root, "gateway/contract", name), join(folder, name), { recursive: true });
    }
    for (const command of ["lint", "generate"]) {
      const result = spawnSync(join(root, "node_modules/.bin/buf"), [command], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}` },
      });
      if (result.status !== 0) throw new Error(`buf ${command} failed: ${result.stdout}${result.stderr}`);
    }
    const output = join(folder, "src/generated");
    return readdirSync(output, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry): [string, string] => {
        const file = join(entry.parentPath, entry.name);
        return [join("gateway/contract/src/generated", relative(output, file)), readFileSync(file, "utf8")];
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
