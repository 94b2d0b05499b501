import { sha256Hex } from "@frostlight/contract";
import { afterEach, expect, test } from "vitest";

import { startRig, until, type UplinkRig } from "./uplink-rig.ts";

const rigs: UplinkRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

async function rigWith(settings: Parameters<typeof startRig>[0] = {}): Promise<UplinkRig> {
  const rig = await startRig(settings);
  rigs.push(rig);
  return rig;
}

const picture = (n: number): Buffer => Buffer.alloc(50_000, n);

test("an evidence file arrives whole, with its media type, under its hash", async () => {
  const rig = await rigWith();
  const { sha256 } = await rig.evidence.put(picture(1), "image/jpeg", "picture");
  await until(() => rig.uplink.status().pendingEvidence === 0);
  expect(rig.server.evidence.get(sha256)).toMatchObject({ mediaType: "image/jpeg" });
  expect(sha256Hex(rig.server.evidence.get(sha256)?.bytes ?? new Uint8Array())).toBe(sha256);
  expect((await rig.evidence.read(sha256))?.data).toEqual(picture(1));
});

test.each([401, 408, 429, 500, 503])("an upload answered with %i is repeated until it is taken", async (status) => {
  const rig = await rigWith();
  let attempts = 0;
  rig.server.evidenceStatus = () => {
    attempts += 1;
    return attempts === 1 ? status : 201;
  };
  await rig.evidence.put(picture(2), "image/jpeg", "picture");
  await until(() => attempts === 1);
  await until(() => rig.uplink.status().lastError !== null);
  expect(rig.uplink.status()).toMatchObject({ pendingEvidence: 1, lastError: `evidence waits: status ${status}` });
  await until(() => rig.uplink.status().pendingEvidence === 0);
  expect(attempts).toBe(2);
});

test("a file the server will never take is put aside, and the next one is uploaded", async () => {
  const rig = await rigWith();
  const bad = sha256Hex(picture(3));
  const attempts: string[] = [];
  rig.server.evidenceStatus = (sha256) => {
    attempts.push(sha256);
    return sha256 === bad ? 422 : 201;
  };
  await rig.evidence.put(picture(3), "image/jpeg", "picture");
  const good = await rig.evidence.put(picture(4), "image/jpeg", "picture");
  await until(() => rig.uplink.status().pendingEvidence === 0);
  expect(attempts.filter((sha256) => sha256 === bad).length).toBe(1);
  expect([...rig.server.evidence.keys()]).toEqual([good.sha256]);
  expect(rig.uplink.status().lastError).toContain("was refused");
});

test("files that waited for the link are uploaded after a restart", async () => {
  const rig = await rigWith({ start: false });
  const { sha256 } = await rig.evidence.put(picture(5), "image/jpeg", "original");
  expect(rig.uplink.status().pendingEvidence).toBe(1);
  await rig.restartGateway();
  await until(() => rig.uplink.status().pendingEvidence === 0);
  expect(rig.server.evidence.has(sha256)).toBe(true);
});
