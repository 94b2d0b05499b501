import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { ConfigError, loadConfig, parseConfig, readSecret } from "./config.ts";
import { pluginSchema } from "./plugin-schema.ts";
import { createRegistry } from "./registry.ts";

const registry = createRegistry("sources", [
  { kind: "mqtt", options: z.strictObject({ port: z.int().min(0).max(65_535) }) },
  { kind: "opcua", options: z.strictObject({ endpoint: z.url() }) },
]);
const schema = z.strictObject({
  name: z.string(),
  sources: z.array(pluginSchema(registry, { id: z.string() })).default([]),
});

function problemsOf(text: string): readonly { path: string; message: string }[] {
  try {
    parseConfig("gateway.yaml", text, schema);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("parseConfig", () => {
  it("reports an unknown key, a wrong type and a bad address together, each with its path", () => {
    const problems = problemsOf("name: 5\ncolour: red\nsources:\n  - {id: plc, kind: opcua, endpoint: nowhere}\n");
    expect(problems.map((problem) => problem.path).toSorted()).toEqual(["colour", "name", "sources.0.endpoint"]);
    expect(problems.find((problem) => problem.path === "name")?.message).toContain("(found 5)");
  });

  it("names the kinds there are when a kind is unknown", () => {
    const [problem] = problemsOf("name: a\nsources: [{id: x, kind: modbus}]\n");
    expect(problem?.path).toBe("sources.0.kind");
    expect(problem?.message).toContain("mqtt, opcua");
  });

  it("reports the entry's own keys and its options together", () => {
    const problems = problemsOf("name: a\nsources: [{kind: mqtt, port: 70000}]\n");
    expect(problems.map((problem) => problem.path).toSorted()).toEqual(["sources.0.id", "sources.0.port"]);
  });

  it("says where YAML itself is broken", () => {
    expect(problemsOf("name: [a\n")[0]?.message).toMatch(/line 2|line 1/);
  });

  it("gives the chosen definition and its parsed options", () => {
    const config = parseConfig("gateway.yaml", "name: a\nsources: [{id: m, kind: mqtt, port: 1883}]\n", schema);
    expect(config.sources[0]).toMatchObject({ kind: "mqtt", options: { port: 1883 }, own: { id: "m" } });
  });

  it("reports a missing file as a configuration error", async () => {
    await expect(loadConfig("/nonexistent/gateway.yaml", schema)).rejects.toBeInstanceOf(ConfigError);
  });
});

describe("readSecret", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-secret-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("reads a file without its trailing line end", async () => {
    await writeFile(join(folder, "token"), "s3cret\n");
    expect(await readSecret({ file: join(folder, "token") }, {})).toBe("s3cret");
  });

  it("refuses an environment variable that is not set, naming it", async () => {
    await expect(readSecret({ env: "FROSTLIGHT_TOKEN" }, {})).rejects.toThrow("FROSTLIGHT_TOKEN");
  });
});
