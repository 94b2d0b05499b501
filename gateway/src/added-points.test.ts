import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ChangeRecord } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it } from "vitest";

import { AddedPoints, loadGatewayConfig } from "./added-points.ts";
import type { DiscoveredPoint } from "./core/discovery.ts";

let folder = "";
let restarts = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-added-"));
  restarts = 0;
  await configure("[{ id: z, name: { zh: 库, en: room }, profile: frozen-store }]");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = (): string => join(folder, "gateway.yaml");
const memoryFile = (): string => join(folder, "added-points.json");

function configure(zones: string, points = "[]"): Promise<void> {
  const text = `
stateFolder: ${folder}
site: { name: { zh: 库, en: store } }
zones: ${zones}
sources: [{ id: s, kind: mqtt-broker, anonymous: true }]
points: ${points}
`;
  return writeFile(file(), text);
}

const found: DiscoveredPoint = {
  sourceId: "s",
  label: "probe/1",
  address: { topic: "probe/1", decode: { kind: "plain" } },
  dialect: "plain",
  quantity: "temperature",
  unit: null,
  value: -18,
  firstSeenMs: 0,
  lastSeenMs: 0,
  count: 1,
};

function open(isAllowed = true): AddedPoints {
  return new AddedPoints({
    configFile: file(),
    stateFolder: folder,
    isAllowed,
    clock: new FakeClock(),
    logger: silentLogger,
    restart: () => (restarts += 1),
  });
}

const wish = (id: string, zone = "z") => ({
  sourceId: "s",
  label: "probe/1",
  choice: { id, zone, name: { zh: "点", en: "Point" } },
  actor: "王 (local page)",
  reason: "new",
});

const ids = async (): Promise<string[]> => (await loadGatewayConfig(file())).config.points.map(({ id }) => id);

it("watches an added point as if it stood in the file, and asks for a new beginning", async () => {
  expect(await open().add(wish("p1"), [found])).toEqual({ kind: "done" });
  expect(restarts).toBe(1);
  expect(await ids()).toEqual(["p1"]);
  expect(await open().add(wish("p2"), [found])).toEqual({ kind: "done" });
  expect(await ids()).toEqual(["p1", "p2"]);
});

it.each([
  ["a room that is not there", wish("p", "elsewhere"), "invalid"],
  ["an id that cannot be one", wish("no spaces"), "invalid"],
  ["something that was not seen", { ...wish("p"), label: "probe/2" }, "not-discovered"],
])("stores nothing for %s", async (_name, addition, kind) => {
  expect((await open().add(addition, [found])).kind).toBe(kind);
  expect(await ids()).toEqual([]);
  expect(restarts).toBe(0);
});

it("takes an id once, and nothing where it is not allowed", async () => {
  await open().add(wish("p"), [found]);
  expect(await open().add(wish("p"), [found])).toMatchObject({ kind: "invalid" });
  expect(await open(false).add(wish("q"), [found])).toMatchObject({ kind: "not-allowed" });
});

it("lets the file win when it has a point of the same id", async () => {
  await open().add(wish("p"), [found]);
  const own =
    "{ id: p, zone: z, name: { zh: 文件, en: File }, source: s, address: { topic: t, decode: { kind: plain } } }";
  await configure("[{ id: z, name: { zh: 库, en: room }, profile: frozen-store }]", `[${own}]`);
  const { config, unusable } = await loadGatewayConfig(file());
  expect(config.points.map(({ name }) => name.en)).toEqual(["File"]);
  expect(unusable).toEqual([]);
});

it("goes on without a point that does not fit the file any more, and says so", async () => {
  await open().add(wish("p"), [found]);
  await configure("[{ id: other, name: { zh: 库, en: room }, profile: frozen-store }]");
  const { config, unusable } = await loadGatewayConfig(file());
  expect(config.points).toEqual([]);
  expect(unusable).toEqual([{ id: "p", reason: expect.stringContaining('unknown zone "z"') }]);
});

it("goes on with the file when what was added is damaged, keeps a copy and says so", async () => {
  await writeFile(memoryFile(), "{ torn");
  const { config, unusable } = await loadGatewayConfig(file());
  expect(config.points).toEqual([]);
  expect(unusable).toEqual([{ id: "*", reason: expect.stringContaining("a copy was kept") }]);
  expect(await readFile(`${memoryFile()}.corrupt-1`, "utf8")).toBe("{ torn");
});

it("journals an addition once it can, with who and why", async () => {
  await open().add(wish("p"), [found]);
  await open().journal(() => Promise.reject(new Error("full")));
  const changes: ChangeRecord[] = [];
  const append = (change: ChangeRecord): Promise<void> => Promise.resolve(void changes.push(change));
  await open().journal(append);
  await open().journal(append);
  expect(changes).toMatchObject([
    { subject: "point:p", what: "configuration", author: "王 (local page)", reason: "new", commandId: null },
  ]);
  expect(changes[0]?.after).toContain('zone: "z"');
});
