import { sign } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { configurationText, generateSigningKey, type SigningKey } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";

import { problemLines } from "./judge.ts";
import { type ConfigurationOutcome, RemoteConfiguration } from "./remote-configuration.ts";
import { Trial } from "./trial.ts";
import type { OutboxItem } from "./version-files.ts";

const gatewayId = "gw-0123456789abcdef";
const key = generateSigningKey();
let folder = "";
let clock: FakeClock;
let restarts = 0;
let items: OutboxItem[] = [];
let remote: RemoteConfiguration;

/** As the process finds it when it starts. */
async function open(): Promise<RemoteConfiguration> {
  return RemoteConfiguration.open({
    folder: join(folder, "configuration"),
    localFile: join(folder, "gateway.yaml"),
    validate: (yaml) =>
      Promise.resolve(yaml.includes("bad") ? [{ path: "zones.0.id", message: "expected text (found 1)" }] : []),
    clock,
    logger: silentLogger,
    restart: () => {
      restarts += 1;
    },
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-remote-"));
  await writeFile(join(folder, "gateway.yaml"), "local: 1");
  clock = new FakeClock();
  restarts = 0;
  items = [];
  remote = await open();
});
afterEach(() => rm(folder, { recursive: true }));

function send(
  version: number,
  yaml: string,
  change: { readonly by?: SigningKey; readonly to?: string; readonly commandId?: string; readonly key?: null } = {},
): Promise<ConfigurationOutcome> {
  const { by = key, to = gatewayId, commandId = `command-${version}-${yaml}` } = change;
  const signature = sign(null, configurationText(to, version, yaml), by.privateKey);
  const action = { kind: "apply-configuration", version, yaml, signature, reason: "test" } as const;
  const configurationKey = change.key === null ? undefined : Buffer.from(key.publicKey).toString("hex");
  return remote.apply({
    command: { commandId, actor: "ann", issuedAtMs: 0, action },
    gatewayId,
    configurationKey,
  });
}

const journal = (item: OutboxItem): Promise<void> => {
  items.push(item);
  return Promise.resolve();
};
const told = (): string[] =>
  items.map((item) =>
    item.kind === "change" ? `${item.change.before} → ${item.change.after}` : item.event.explanation.code,
  );

/** The gateway built with what is chosen now; `link` is what its uplink says. */
async function run(link: () => number | undefined): Promise<{ readonly version: number; readonly trial: Trial }> {
  const choice = await remote.choose();
  const trial = new Trial({ remote, choice, link, journal, clock });
  await trial.start();
  return { version: choice.version, trial };
}

/** Lets file writes of the trial end. */
async function settled(): Promise<void> {
  await remote.flush(journal);
}

async function bringInForce(version: number): Promise<void> {
  expect(await send(version, `v: ${version}`)).toBe("trying");
  const { trial } = await run(() => 0);
  await clock.advance(62_000);
  await settled();
  await trial.stop();
  expect(remote.activeVersion).toBe(version);
}

test("without anything from the server the file at the gateway is in force", async () => {
  expect(await remote.choose()).toEqual({
    version: 0,
    file: join(folder, "gateway.yaml"),
    text: "local: 1",
    isTrial: false,
  });
});

test("a signed configuration is tried at once and in force after a minute of connection, and the change is recorded", async () => {
  expect(await send(1, "v: 1")).toBe("trying");
  expect(restarts).toBe(1);
  const { version, trial } = await run(() => 0);
  expect(version).toBe(1);
  await clock.advance(59_000);
  await settled();
  expect(remote.activeVersion).toBe(0);
  await clock.advance(3_000);
  await settled();
  expect(remote.activeVersion).toBe(1);
  expect(told()).toEqual(["configuration-trial", "local file → version 1", "configuration-applied"]);
  const [, change] = items;
  expect(change).toMatchObject({
    change: { what: "configuration", author: "ann", reason: "test", commandId: "command-1-v: 1" },
  });
  await trial.stop();
  remote = await open();
  expect(await remote.choose()).toMatchObject({ version: 1, text: "v: 1", isTrial: false });
});

test("a link that breaks begins the minute anew; without a minute of it the version before returns and says why", async () => {
  await bringInForce(1);
  items = [];
  expect(await send(2, "v: 2")).toBe("trying");
  let links = 0;
  let turn = 0;
  const { trial } = await run(() => {
    turn += 1;
    // A reconnect that was too quick to be seen as a disconnection.
    if (turn % 40 === 0) links += 1;
    return links;
  });
  restarts = 0;
  await clock.advance(301_000);
  await settled();
  expect(restarts).toBe(1);
  await trial.stop();
  expect(await remote.choose()).toMatchObject({ version: 1, isTrial: false });
  expect(told()).toEqual(["configuration-trial", "configuration-not-connected"]);
  expect(items.at(-1)).toMatchObject({
    event: {
      subject: "configuration",
      state: "rolled-back",
      explanation: { parameters: { commandId: "command-2-v: 2" } },
    },
  });
});

test("a process that dies twice with a version gets the one before at its third start", async () => {
  await bringInForce(1);
  await send(2, "v: 2");
  for (const expected of [2, 2, 1, 1]) {
    remote = await open();
    expect((await remote.choose()).version).toBe(expected);
  }
  items = [];
  await settled();
  expect(told()).toEqual(["configuration-trial", "configuration-interrupted"]);
});

test("a version that cannot even be built is given up at once", async () => {
  await send(1, "v: 1");
  expect((await remote.choose()).isTrial).toBe(true);
  await remote.giveUp("configuration-failed", "port in use");
  expect((await remote.choose()).version).toBe(0);
  await settled();
  expect(items.at(-1)).toMatchObject({ event: { explanation: { parameters: { message: "port in use" } } } });
});

test("what is unsigned, signed by another key or for another gateway, or changed after signing is refused", async () => {
  expect(await send(1, "v: 1", { key: null })).toBe("configuration-no-key");
  expect(await send(1, "v: 1", { by: generateSigningKey(), commandId: "a" })).toBe("configuration-not-signed");
  expect(await send(1, "v: 1", { to: "gw-ffffffffffffffff", commandId: "b" })).toBe("configuration-not-signed");
  const signature = sign(null, configurationText(gatewayId, 1, "v: 1"), key.privateKey);
  for (const [version, yaml, given] of [
    [2, "v: 1", signature],
    [1, "v: 2", signature],
    [1, "v: 1", new Uint8Array()],
    [1, "v: 1", new Uint8Array(64)],
  ] as const) {
    const action = { kind: "apply-configuration", version, yaml, signature: given, reason: "" } as const;
    const configurationKey = Buffer.from(key.publicKey).toString("hex");
    const command = { commandId: `c${version}${yaml}`, actor: "eve", issuedAtMs: 0, action };
    expect(await remote.apply({ command, gatewayId, configurationKey })).toBe("configuration-not-signed");
  }
  expect(restarts).toBe(0);
  expect((await remote.choose()).version).toBe(0);
  // Forged ones do not use up version numbers.
  expect(await send(1, "v: 1", { commandId: "good" })).toBe("trying");
});

test("whoever can send unsigned configurations cannot fill the journal with them", async () => {
  for (let n = 0; n < 50; n += 1) await send(1, "v: 1", { by: generateSigningKey(), commandId: `forged-${n}` });
  await settled();
  expect(told()).toEqual(["configuration-not-signed"]);
});

test("a version seen before is never taken again, neither after a rollback nor after a restart", async () => {
  await bringInForce(3);
  expect(await send(2, "v: 2")).toBe("configuration-replayed");
  expect(await send(3, "v: 3", { commandId: "again" })).toBe("configuration-replayed");
  await send(4, "v: 4");
  await remote.giveUp("configuration-failed", "");
  remote = await open();
  expect(await send(4, "v: 4", { commandId: "replay" })).toBe("configuration-replayed");
  await settled();
  expect(items.at(-1)).toMatchObject({
    event: { state: "refused", explanation: { code: "configuration-replayed", parameters: { commandId: "replay" } } },
  });
});

test("a command that comes again while it is tried, after it worked and after it failed changes and tells nothing", async () => {
  await send(1, "v: 1");
  expect(await send(1, "v: 1")).toBe("already-done");
  await remote.choose();
  await remote.confirm();
  expect(await send(1, "v: 1")).toBe("already-done");
  expect(await send(2, "bad")).toBe("configuration-invalid");
  await settled();
  items = [];
  remote = await open();
  expect(await send(2, "bad")).toBe("already-done");
  await settled();
  expect(items).toEqual([]);
});

test("a refusal goes to the journal at once while the gateway runs", async () => {
  const { trial } = await run(() => 0);
  expect(await send(1, "bad")).toBe("configuration-invalid");
  await remote.choose();
  expect(told()).toEqual(["configuration-invalid"]);
  await trial.stop();
});

test("a configuration that the schema refuses is not tried, and its problems come back with their paths", async () => {
  expect(await send(1, "bad: 1")).toBe("configuration-invalid");
  expect(restarts).toBe(0);
  await settled();
  expect(items).toMatchObject([
    { event: { explanation: { parameters: { problems: "zones.0.id: expected text (found 1)" } } } },
  ]);
  const many = Array.from({ length: 500 }, (_, n) => ({ path: `points.${n}`, message: "wrong".repeat(30) }));
  expect(problemLines(many).length).toBeLessThan(1_700);
  expect(problemLines(many)).toMatch(/… 49\d more$/);
});

test("a person who changes the file at the gateway has the last word, in force or on trial", async () => {
  await bringInForce(1);
  await writeFile(join(folder, "gateway.yaml"), "local: 2");
  expect(await remote.choose()).toMatchObject({ version: 0, text: "local: 2" });
  await send(2, "v: 2");
  await writeFile(join(folder, "gateway.yaml"), "local: 3");
  expect(await remote.choose()).toMatchObject({ version: 0, text: "local: 3" });
  items = [];
  await settled();
  expect(told()).toEqual([
    "version 1 → local file",
    "configuration-local",
    "configuration-trial",
    "configuration-overtaken",
  ]);
  // What came later than the person's change counts again.
  await bringInForce(3);
});

test("a version in force that this software cannot use any more gives way to the one before", async () => {
  await bringInForce(1);
  await bringInForce(2);
  await writeFile(join(folder, "configuration/version-2.yaml"), "bad after an update");
  remote = await open();
  expect((await remote.choose()).version).toBe(1);
  await rm(join(folder, "configuration/version-1.yaml"));
  expect((await remote.choose()).version).toBe(0);
});

test("a damaged state starts with the file at the gateway, keeps a copy, and still refuses old versions", async () => {
  await bringInForce(5);
  await writeFile(join(folder, "configuration/state.json"), "{");
  remote = await open();
  expect((await remote.choose()).version).toBe(0);
  expect(await readdir(join(folder, "configuration"))).toContain("state.json.corrupt-1");
  expect(await send(5, "v: 5", { commandId: "replay" })).toBe("configuration-replayed");
  await settled();
  expect(told()).toContain("configuration-state-lost");
});

test("records that the journal does not take wait, also through a restart", async () => {
  await send(1, "v: 1");
  await remote.flush(() => Promise.reject(new Error("journal/full")));
  remote = await open();
  await settled();
  expect(told()).toEqual(["configuration-trial"]);
  await settled();
  expect(items).toHaveLength(1);
});

test("old versions are kept, up to ten and the one in force", async () => {
  for (let version = 1; version <= 14; version += 1) {
    await send(version, `v: ${version}`);
    await remote.choose();
    await remote.confirm();
  }
  const kept = (await readdir(join(folder, "configuration"))).filter((name) => name.endsWith(".yaml"));
  expect(kept).toHaveLength(11);
  expect(await readFile(join(folder, "configuration/version-4.yaml"), "utf8")).toBe("v: 4");
});

test("whatever happens in whatever order, what runs is valid, confirmed or on its first two starts", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("send" as const), bad: fc.boolean() }),
    fc.record({ do: fc.constantFrom("crash" as const, "confirm" as const, "giveUp" as const, "touch" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      await rm(join(folder, "configuration"), { recursive: true, force: true });
      await writeFile(join(folder, "gateway.yaml"), "local: 1");
      remote = await open();
      let sent = 0;
      const confirmed = new Set([0]);
      const starts = new Map<number, number>();
      let now = await remote.choose();
      for (const one of steps) {
        if (one.do === "send") {
          sent += 1;
          await send(sent, one.bad ? "bad" : `v: ${sent}`);
        } else if (one.do === "confirm" && now.isTrial) {
          await remote.confirm();
          confirmed.add(now.version);
        } else if (one.do === "giveUp" && now.isTrial) {
          await remote.giveUp("configuration-failed", "");
        } else if (one.do === "touch") {
          await writeFile(join(folder, "gateway.yaml"), `local: ${Math.max(2, sent)}`);
        } else if (one.do === "crash") {
          remote = await open();
        }
        now = await remote.choose();
        if (now.isTrial) starts.set(now.version, (starts.get(now.version) ?? 0) + 1);
        expect(now.text).not.toContain("bad");
        expect(now.isTrial || confirmed.has(now.version)).toBe(true);
        expect(Math.max(0, ...starts.values())).toBeLessThanOrEqual(2);
      }
    }),
    { numRuns: 60 },
  );
});
