import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ChangeRecord } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it } from "vitest";

import type { ApprovalCard, ConfiguredTrust, PeerCertificate } from "../core/peer-trust.ts";
import { openTrustStore } from "./index.ts";
import type { TrustStore } from "./trust-store.ts";

let folder: string;
let clock: FakeClock;
let changes: ChangeRecord[];
let cards: ApprovalCard[];
let journal: (change: ChangeRecord) => Promise<void>;
let store: TrustStore;

const dayMs = 86_400_000;
const digits = (text: string): string => Buffer.from(text).toString("hex").padEnd(64, "0").slice(0, 64);

function certificate(name: string, key = `key of ${name}`): PeerCertificate {
  return {
    fingerprintSha256: digits(name),
    publicKeySha256: digits(key),
    subject: `CN=${name}`,
    issuer: "CN=maker",
    validFromMs: clock.nowMs() - dayMs,
    validToMs: clock.nowMs() + dayMs,
    endpoint: "opc.tcp://plc:4840",
  };
}

const open = (): Promise<TrustStore> =>
  openTrustStore({
    file: join(folder, "trust.json"),
    clock,
    logger: silentLogger,
    journal: (change) => journal(change),
    onCard: (card) => cards.push(card),
  });

const approve = (name: string, commandId: string | null = null) =>
  store.approve({ sourceId: "plc", fingerprintSha256: digits(name), actor: "li", reason: "compared", commandId });

const pin = (name: string, key: string | null = null): ConfiguredTrust => ({
  pinned: { fingerprintSha256: digits(name), publicKeySha256: key === null ? null : digits(key) },
  isFromApprovedIssuer: false,
});
const byIssuer: ConfiguredTrust = { pinned: null, isFromApprovedIssuer: true };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-trust-"));
  clock = new FakeClock();
  changes = [];
  cards = [];
  journal = (change) => {
    changes.push(change);
    return Promise.resolve();
  };
  store = await open();
});

afterEach(async () => {
  await store.stop();
  await rm(folder, { recursive: true, force: true });
});

it("never trusts a certificate that it sees for the first time, and makes one card of it", async () => {
  const trust = store.of("plc");
  expect(await trust.judge(certificate("a"))).toBe("unknown");
  expect(await trust.judge(certificate("a"))).toBe("unknown");
  expect(store.cards()).toEqual([
    {
      sourceId: "plc",
      certificate: certificate("a"),
      state: "waiting",
      firstSeenMs: clock.nowMs(),
      approvedBy: null,
    },
  ]);
  expect(cards).toHaveLength(1);
  expect(changes).toEqual([]);
});

it("trusts it after a person's approval, tells the source, and records who, why and by which command", async () => {
  const trust = store.of("plc");
  const told: string[] = [];
  const forget = trust.onApproval((fingerprint) => told.push(fingerprint));
  await trust.judge(certificate("a"));
  expect(await approve("a", "command-1")).toEqual({ kind: "done" });
  expect(await trust.judge(certificate("a"))).toBe("approved");
  expect(told).toEqual([digits("a")]);
  expect(changes).toMatchObject([
    {
      subject: "source:plc",
      what: "certificate",
      before: "",
      author: "li",
      reason: "compared",
      commandId: "command-1",
    },
  ]);
  expect(changes[0]?.after).toContain(digits("a"));
  expect(store.cards()).toMatchObject([{ state: "approved", approvedBy: "li" }]);
  forget();
  await trust.judge(certificate("b"));
  await approve("b");
  expect(told).toHaveLength(1);
});

it("keeps approvals and cards over a restart", async () => {
  await store.of("plc").judge(certificate("a"));
  await approve("a");
  await store.of("plc").judge(certificate("b"));
  const before = store.cards();
  store = await open();
  expect(store.cards()).toEqual(before);
  expect(await store.of("plc").judge(certificate("a"))).toBe("approved");
});

it("does not approve what was never shown, nor for another source", async () => {
  await store.of("other").judge(certificate("a"));
  expect(await approve("a")).toEqual({ kind: "unknown-certificate" });
  expect(changes).toEqual([]);
});

it("leaves a record for each command, and none for a repeated click", async () => {
  await store.of("plc").judge(certificate("a"));
  await approve("a", "one");
  expect(await approve("a", "two")).toEqual({ kind: "already-approved" });
  expect(await approve("a")).toEqual({ kind: "already-approved" });
  expect(changes.map((change) => change.commandId)).toEqual(["one", "two"]);
});

it("takes a renewal with the same key by itself and records it", async () => {
  const trust = store.of("plc");
  await trust.judge(certificate("a", "same"));
  await approve("a");
  expect(await trust.judge(certificate("b", "same"))).toBe("approved");
  expect(store.cards().at(-1)).toMatchObject({ state: "approved", approvedBy: "renewal" });
  expect(changes.at(-1)).toMatchObject({ author: "renewal", reason: "renewed with the same key", commandId: null });
  expect(await trust.judge(certificate("c", "same"))).toBe("approved");
});

it("makes a new card for another key, although the name is the same", async () => {
  const trust = store.of("plc");
  await trust.judge(certificate("a"));
  await approve("a");
  const impostor = { ...certificate("b"), subject: "CN=a" };
  expect(await trust.judge(impostor)).toBe("unknown");
  expect(store.cards().map((card) => card.state)).toEqual(["waiting", "approved"]);
});

it("does not pass the key of one source on to another", async () => {
  await store.of("plc").judge(certificate("a", "same"));
  await approve("a");
  expect(await store.of("other").judge(certificate("b", "same"))).toBe("unknown");
});

it("puts a newly approved certificate in the place of the old one", async () => {
  const trust = store.of("plc");
  await trust.judge(certificate("a"));
  await approve("a");
  await trust.judge(certificate("b"));
  await approve("b");
  expect(changes.at(-1)?.before).toContain(digits("a"));
  expect(await trust.judge(certificate("b"))).toBe("approved");
  expect(await trust.judge(certificate("a"))).toBe("unknown");
});

it("trusts what the configuration pins, for as long as it does", async () => {
  const trust = store.of("plc");
  expect(await trust.judge(certificate("a", "same"), pin("a"))).toBe("approved");
  expect(store.cards()).toMatchObject([{ approvedBy: "configuration" }]);
  expect(await trust.judge(certificate("b", "same"), pin("a"))).toBe("approved");
  expect(await trust.judge(certificate("b", "same"), pin("other"))).toBe("unknown");
  expect(await trust.judge(certificate("a", "same"))).toBe("unknown");
  expect(await trust.judge(certificate("a", "same"), pin("a"))).toBe("approved");
});

it("knows a renewal of a pinned file that it never saw", async () => {
  expect(await store.of("plc").judge(certificate("b", "same"), pin("a", "same"))).toBe("approved");
  expect(store.cards()).toMatchObject([{ approvedBy: "renewal" }]);
});

it("trusts what an approved issuer signed, unless it has expired", async () => {
  const trust = store.of("plc");
  expect(await trust.judge(certificate("a"), byIssuer)).toBe("approved");
  expect(await trust.judge(certificate("b"), byIssuer)).toBe("approved");
  expect(store.cards().map((card) => card.approvedBy)).toEqual(["configuration", "renewal"]);
  const old = { ...certificate("c"), validToMs: clock.nowMs() - 1 };
  expect(await trust.judge(old, byIssuer)).toBe("unknown");
  expect(await trust.judge(certificate("a"))).toBe("unknown");
});

it("journals a change later when the journal does not take it now, also after a restart", async () => {
  journal = () => Promise.reject(new Error("journal/full"));
  await store.of("plc").judge(certificate("a"));
  expect(await approve("a", "command-1")).toEqual({ kind: "done" });
  expect(await store.of("plc").judge(certificate("a"))).toBe("approved");
  journal = (change) => {
    changes.push(change);
    return Promise.resolve();
  };
  store = await open();
  await store.start();
  expect(changes).toMatchObject([{ commandId: "command-1" }]);
  await clock.advance(60_000);
  expect(changes).toHaveLength(1);
});

it("keeps only the newest waiting cards of a source, and every approved one", async () => {
  const trust = store.of("plc");
  await trust.judge(certificate("good"));
  await approve("good");
  for (let n = 0; n < 30; n += 1) await trust.judge(certificate(`strange ${n}`));
  const names = store.cards().map((card) => card.certificate.subject);
  expect(names).toHaveLength(9);
  expect(names).toContain("CN=good");
  expect(names).toContain("CN=strange 29");
  expect(names).not.toContain("CN=strange 0");
});

it("trusts nothing when its file is damaged, and keeps the damaged file", async () => {
  await store.of("plc").judge(certificate("a"));
  await approve("a");
  await writeFile(join(folder, "trust.json"), "{");
  store = await open();
  expect(await store.of("plc").judge(certificate("a"))).toBe("unknown");
  expect(await readdir(folder)).toContain("trust.json.corrupt-1");
});

it("judges many at once without losing one", async () => {
  const trust = store.of("plc");
  await Promise.all(Array.from({ length: 8 }, (_, n) => trust.judge(certificate(`p${n}`))));
  expect(store.cards()).toHaveLength(8);
  expect((await open()).cards()).toEqual(store.cards());
});
