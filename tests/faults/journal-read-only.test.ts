import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "frostlight-read-only-"));
const canMount = mounted();
afterAll(async () => {
  if (canMount) execFileSync("umount", ["-l", folder]);
  await rm(folder, { recursive: true, force: true });
});

function mounted(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!canMount)(
  "the gateway runs on a read-only root with one writable folder (needs the right to mount)",
  { timeout: 60_000 },
  async () => {
    const config = join(folder, "gateway.yaml");
    await writeFile(
      config,
      stringify({
        stateFolder: join(folder, "state"),
        site: { name: { zh: "测试", en: "Test" } },
        zones: [{ id: "store", name: { zh: "冷库", en: "Store" }, profile: "frozen-store" }],
        sources: [{ id: "sensors", kind: "mqtt-broker", port: 0, anonymous: true }],
        points: [
          {
            id: "p",
            zone: "store",
            name: { zh: "点", en: "P" },
            source: "sensors",
            address: { topic: "t", decode: { kind: "plain" } },
          },
        ],
        local: { port: 0 },
      }),
    );
    // Every mount of a real file system but the folder's becomes read-only, in this process's view only.
    const script = [
      "for at in $(awk '$3 !~ /^(proc|sysfs|cgroup2?|devpts|mqueue)$/ {print $2}' /proc/mounts); do",
      '  case "$at" in "$1") ;; *) mount -o remount,bind,ro "$at" 2>/dev/null || true;; esac',
      "done",
      'if touch "$2/frostlight-probe" 2>/dev/null; then echo "still writable" >&2; exit 9; fi',
      'exec "$3" gateway/src/main.ts --config "$1/gateway.yaml"',
    ].join("\n");
    const args = ["--mount", "--propagation", "private", "sh", "-c", script, "sh", folder, tmpdir(), process.execPath];
    const child = spawn("unshare", args, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const ended = once(child, "exit");
    await expect
      .poll(() => said.includes('"msg":"started"') || child.exitCode !== null, { timeout: 40_000 })
      .toBe(true);
    expect(said).toContain('"msg":"started"');
    child.kill("SIGTERM");
    const [code] = await ended;
    expect(code, said).toBe(0);
    expect(said).not.toMatch(/EROFS|"level":50/);
    expect(await readdir(join(folder, "state"))).toContain("journal");
  },
);
