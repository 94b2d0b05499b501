import { type Logger, silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import { StatusBoard } from "./status-board.ts";

const refusal = { sourceId: "mqtt", address: "a/b", code: "not-a-number", message: "text" };

function boardAt(clock = new FakeClock()) {
  const board = new StatusBoard(clock, silentLogger);
  board.addSource("mqtt", "mqtt");
  return { board, clock };
}

test("a source's state is new when its state or code changes, not when only the words do", () => {
  const { board } = boardAt();
  expect(board.setState("mqtt", { state: "ok", code: "connected", message: "1" })).toBe(true);
  expect(board.setState("mqtt", { state: "ok", code: "connected", message: "2" })).toBe(false);
  expect(board.setState("mqtt", { state: "offline", code: "connect-failed", message: "3" })).toBe(true);
  expect(board.setState("unknown", { state: "ok", code: "connected", message: "" })).toBe(false);
  expect(board.sources()).toMatchObject([{ sourceId: "mqtt", state: "offline", message: "3" }]);
});

test("readings and refusals are counted per source", () => {
  const { board } = boardAt();
  board.countReadings("mqtt", 3);
  board.countReadings("mqtt", 4);
  board.refuse(refusal);
  expect(board.sources()).toMatchObject([{ readings: 7, refused: 1 }]);
});

test("the same refusal is kept once with its number and newest time; the oldest kinds go first", async () => {
  const { board, clock } = boardAt();
  board.refuse(refusal);
  for (let n = 0; n < 99; n += 1) board.refuse({ ...refusal, address: `t/${n}` });
  await clock.advance(5_000);
  board.refuse(refusal);
  board.refuse({ ...refusal, address: "one more" });
  const refusals = board.refusals();
  expect(refusals).toHaveLength(100);
  expect(refusals.find(({ address }) => address === "a/b")).toMatchObject({ count: 2, timeMs: clock.nowMs() });
  expect(refusals.some(({ address }) => address === "t/0")).toBe(false);
});

test("drops are taken once, and those that could not be journaled come back with what was refused meanwhile", async () => {
  const { board, clock } = boardAt();
  const startMs = clock.nowMs();
  board.refuse(refusal);
  await clock.advance(1_000);
  board.refuse(refusal);
  const taken = board.takeDrops();
  expect(taken).toHaveLength(1);
  expect(board.takeDrops()).toEqual([]);
  await clock.advance(1_000);
  board.refuse(refusal);
  board.returnDrops(taken);
  const drop = {
    what: "payload-refused",
    count: 3,
    fromMs: startMs,
    toMs: startMs + 2_000,
    reason: "mqtt not-a-number",
  };
  expect(board.takeDrops()).toEqual([{ kind: "drop", drop }]);
});

test("what was discovered keeps its first time, grows in number, and is bounded", async () => {
  const { board, clock } = boardAt();
  const found = {
    label: "t/1",
    address: {},
    dialect: "plain",
    quantity: "temperature",
    unit: "Cel",
    value: 1,
  } as const;
  const firstMs = clock.nowMs();
  board.discover("mqtt", found);
  await clock.advance(1_000);
  board.discover("mqtt", { ...found, value: 2 });
  expect(board.discovered()).toEqual([
    { ...found, value: 2, sourceId: "mqtt", firstSeenMs: firstMs, lastSeenMs: firstMs + 1_000, count: 2 },
  ]);
  for (let n = 0; n < 500; n += 1) board.discover("mqtt", { ...found, label: `u/${n}` });
  expect(board.discovered()).toHaveLength(500);
  expect(board.discovered().some(({ label }) => label === "t/1")).toBe(false);
});

test("a flood of refusals at ever new addresses does not flood the log; a minute later new ones are logged again", async () => {
  const lines: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, fields) => void lines.push(fields?.["address"]) };
  const clock = new FakeClock();
  const board = new StatusBoard(clock, logger);
  for (let n = 0; n < 10_000; n += 1) board.refuse({ ...refusal, address: `t/${n}` });
  expect(lines).toHaveLength(20);
  await clock.advance(60_000);
  board.refuse({ ...refusal, address: "later" });
  expect(lines.slice(20)).toEqual(["later"]);
});
