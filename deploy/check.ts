// npm run check: everything that a machine can check, one step after the other; all steps run, then the verdict.
// --without-tests leaves the tests out, for a caller that runs them itself right after (.ci/run).
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

const steps: readonly { readonly name: string; readonly command: readonly [string, ...string[]] }[] = [
  { name: "types", command: [bin("tsc"), "-p", "."] },
  { name: "types of the console", command: [bin("tsc"), "-p", "dashboards/console"] },
  { name: "lint", command: [bin("oxlint"), "--type-aware", "--deny-warnings"] },
  { name: "format", command: [bin("oxfmt"), "--check", "."] },
  { name: "dead code", command: [bin("knip"), "--no-progress"] },
  { name: "generated files", command: [process.execPath, "deploy/generate.ts", "--check"] },
  { name: "tests (with the import table)", command: [bin("vitest"), "run"] },
];

const failed: string[] = [];
const chosen = process.argv.includes("--without-tests")
  ? steps.filter((step) => !step.name.startsWith("tests"))
  : steps;
for (const { name, command } of chosen) {
  const started = performance.now();
  const result = spawnSync(command[0], command.slice(1), { cwd: root, stdio: "inherit" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const ok = result.status === 0;
  process.stderr.write(`${ok ? "ok    " : "FAILED"} ${name} (${seconds} s)\n`);
  if (!ok) failed.push(name);
}
if (failed.length > 0) {
  process.stderr.write(`check failed: ${failed.join(", ")}\n`);
  process.exitCode = 1;
}
