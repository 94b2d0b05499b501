import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

import { openStateStore, type StateStore } from "./state-store.ts";

const clock = new FakeClock();
let folder = "";
let store: StateStore;

async function open(): Promise<StateStore> {
  return openStateStore({ file: join(folder, "state.db"), clock, logger: silentLogger });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-state-"));
  store = await open();
  await store.createOrganisation({ organisationId: "o1", name: "One" });
  await store.createOrganisation({ organisationId: "o2", name: "Two" });
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const one = { organisationId: "o1" };
const two = { organisationId: "o2" };
const ada = { userId: "u1", organisationId: "o1", name: "ada", role: "operator" } as const;

test("a session leads to its user until it expires or is deleted", async () => {
  await store.createUser({ ...ada, passwordHash: "hash" });
  expect(await store.userByName("ada")).toEqual({ ...ada, passwordHash: "hash" });
  await store.createSession({ tokenHash: "t1", userId: "u1", expiresMs: clock.nowMs() + 1000 });
  expect(await store.userBySession("t1", clock.nowMs())).toEqual(ada);
  expect(await store.userBySession("t1", clock.nowMs() + 1000)).toBeUndefined();
  await store.deleteSession("t1");
  expect(await store.userBySession("t1", clock.nowMs())).toBeUndefined();
});

test("creating a session clears away expired ones, and all of a user's sessions can be ended", async () => {
  await store.createUser({ ...ada, passwordHash: "hash" });
  await store.createSession({ tokenHash: "old", userId: "u1", expiresMs: clock.nowMs() - 1 });
  await store.createSession({ tokenHash: "new", userId: "u1", expiresMs: clock.nowMs() + 1000 });
  expect(await store.userBySession("old", clock.nowMs() - 100)).toBeUndefined();
  await store.deleteSessionsOf("u1");
  expect(await store.userBySession("new", clock.nowMs())).toBeUndefined();
});

test("two users cannot have one name", async () => {
  await store.createUser({ ...ada, passwordHash: "hash" });
  await expect(store.createUser({ ...ada, userId: "u2", passwordHash: "hash" })).rejects.toThrow(/UNIQUE/);
});

test("what was written is there after reopening", async () => {
  await store.createSite(one, "s1");
  await store.audit({ timeMs: 1, actor: "ada", organisationId: "o1", action: "test", detail: "" });
  await store.audit({ timeMs: 2, actor: "ada", organisationId: null, action: "test", detail: "" });
  await store.close();
  store = await open();
  expect(await store.organisationCount()).toBe(2);
  expect(await store.sites(one)).toEqual([{ siteId: "s1", organisationId: "o1", description: null }]);
});

test("a site belongs to one organisation: another neither sees it nor can take its id", async () => {
  await store.createSite(one, "s1");
  await store.createSite(one, "s1");
  expect(await store.site(two, "s1")).toBeUndefined();
  expect(await store.sites(two)).toEqual([]);
  await expect(store.createSite(two, "s1")).rejects.toMatchObject({ code: "state/site-exists" });
  await expect(store.createToken(two, { tokenHash: "h", siteId: "s1", expiresMs: 1 })).rejects.toMatchObject({
    code: "state/unknown-site",
  });
});

test("only its own organisation can revoke a gateway, once", async () => {
  await store.createSite(one, "s1");
  await store.createToken(one, { tokenHash: "t", siteId: "s1", expiresMs: clock.nowMs() + 1000 });
  const enrolment = { tokenHash: "t", gatewayId: "gw-1", publicKey: "k", secretHash: "s", atMs: clock.nowMs() };
  expect(await store.enrolGateway(enrolment)).toEqual({ kind: "enrolled", organisationId: "o1", siteId: "s1" });
  const heard: string[] = [];
  store.onRevoked((gatewayId) => heard.push(gatewayId));
  expect(await store.revokeGateway(two, "gw-1", 5)).toBe(false);
  expect(await store.revokeGateway(one, "gw-1", 5)).toBe(true);
  expect(await store.revokeGateway(one, "gw-1", 6)).toBe(false);
  expect(heard).toEqual(["gw-1"]);
  expect(await store.gateways(one)).toMatchObject([{ gatewayId: "gw-1", revokedMs: 5, connected: false }]);
});

test("a file that is no database is refused by name", async () => {
  await expect(openStateStore({ file: folder, clock, logger: silentLogger })).rejects.toMatchObject({
    code: "state/unopenable",
  });
});
