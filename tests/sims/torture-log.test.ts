import { mkdtemp, rm, truncate, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { DeviceLog, readDeviceLog } from "./torture-log.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-device-log-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = (): string => join(folder, "device.log");
const ignore = (): void => undefined;

function publish(log: DeviceLog, messageId: number, value: number, qos: 1 | 2 = 1): void {
  log.put({ cmd: "publish", messageId, topic: "t", payload: String(value), qos, dup: false, retain: false }, ignore);
}

async function repeated(log: DeviceLog): Promise<readonly unknown[]> {
  const packets: unknown[] = [];
  for await (const packet of log.createStream()) packets.push(packet);
  return packets;
}

test("what was not acknowledged is sent again after a restart, with its packet id and DUP", async () => {
  const before = new DeviceLog(file(), ignore);
  publish(before, 1, 10);
  publish(before, 2, 11);
  before.del({ messageId: 1 }, ignore);
  const after = new DeviceLog(file(), ignore);
  expect(await repeated(after)).toMatchObject([{ cmd: "publish", messageId: 2, payload: "11", dup: true }]);
  expect(readDeviceLog(file())).toMatchObject([
    { value: 10, repeats: 0, isComplete: true },
    { value: 11, repeats: 1, acknowledgedMs: null },
  ]);
});

test("a QoS 2 message counts as acknowledged by its PUBREC and goes on with PUBREL", async () => {
  const acknowledged: number[] = [];
  const log = new DeviceLog(file(), (value) => acknowledged.push(value));
  publish(log, 1, 10, 2);
  log.put({ cmd: "pubrel", messageId: 1 }, ignore);
  expect(acknowledged).toEqual([10]);
  expect(await repeated(new DeviceLog(file(), ignore))).toMatchObject([{ cmd: "pubrel", messageId: 1 }]);
  log.del({ messageId: 1 }, ignore);
  expect(acknowledged).toEqual([10]);
  expect(await repeated(new DeviceLog(file(), ignore))).toEqual([]);
});

test("a packet id that is used again names the newer message", () => {
  const log = new DeviceLog(file(), ignore);
  publish(log, 1, 10);
  log.del({ messageId: 1 }, ignore);
  publish(log, 1, 11);
  expect(readDeviceLog(file()).map(({ acknowledgedMs }) => acknowledgedMs === null)).toEqual([false, true]);
});

test("a last line that was cut off is no line, and the next one is whole", async () => {
  publish(new DeviceLog(file(), ignore), 1, 10);
  await truncate(file(), (await stat(file())).size - 5);
  publish(new DeviceLog(file(), ignore), 2, 11);
  expect(readDeviceLog(file()).map(({ value }) => value)).toEqual([11]);
});
