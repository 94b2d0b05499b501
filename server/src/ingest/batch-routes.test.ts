import {
  type Ack,
  decodeAck,
  decodeCommand,
  decodeDelimited,
  encodeDelimited,
  gatewayPaths,
} from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import fastify, { type FastifyInstance, type LightMyRequestResponse } from "fastify";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";

import { batchRouteOptions, batchRoutes } from "./batch-routes.ts";
import { createCommandOutbox, type DurableCommandOutbox } from "./command-outbox.ts";
import { Presence } from "./presence.ts";
import { alarmItem, sampleItem } from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

const t0 = 1_767_225_600_000;
let rig: Rig;
let app: FastifyInstance;
let outbox: DurableCommandOutbox;
let metrics: Registry;

beforeEach(async () => {
  rig = await createRig();
  await open();
});

afterEach(async () => {
  await app.close();
  await outbox.stop();
  await rig.remove();
});

async function open(options: Record<string, unknown> = {}): Promise<void> {
  const { clock, store } = rig;
  const shared = { clock, logger: silentLogger };
  outbox = createCommandOutbox({ stateStore: store, random: seededRandom(1), ...shared });
  await outbox.start();
  const live = { publish: (event: (typeof rig.events)[number]) => void rig.events.push(event) };
  metrics = new Registry();
  app = fastify();
  await app.register(
    batchRoutes({
      options: batchRouteOptions.parse(options),
      ingest: { accept: (gatewayId, sealed) => rig.ingest.accept(gatewayId, sealed) },
      stateStore: store,
      commands: outbox,
      presence: new Presence({ store, live, ...shared }),
      metrics,
      ...shared,
    }),
  );
  await app.ready();
}

async function reopen(options: Record<string, unknown>): Promise<void> {
  await app.close();
  await outbox.stop();
  await open(options);
}

const authorization = (secret = rig.secret, gatewayId = rig.gateway.gatewayId): string =>
  `Basic ${Buffer.from(`${gatewayId}:${secret}`).toString("base64")}`;

function post(payload: Uint8Array, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
  return app.inject({
    method: "POST",
    url: gatewayPaths.batches,
    headers: { authorization: authorization(), "content-type": "application/x-protobuf", ...headers },
    payload: Buffer.from(payload),
  });
}

const poll = (waitMs: number, secret = rig.secret): Promise<LightMyRequestResponse> =>
  app.inject({
    method: "GET",
    url: `${gatewayPaths.commands}?waitMs=${waitMs}`,
    headers: { authorization: authorization(secret) },
  });

function ackOf(response: LightMyRequestResponse): Ack {
  const ack = decodeAck(response.rawPayload);
  if (ack.kind === "invalid") throw new Error(ack.reason);
  return ack.value;
}

/** Lets what was started get as far as it can without time passing. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

test("batches are durable when their outcomes are answered, and the same again are duplicates", async () => {
  const batches = [1, 2, 3].map((n) => rig.gateway.seal([sampleItem("p", t0 + n, n)]));
  const body = encodeDelimited(batches.map(({ bytes }) => bytes));
  expect(ackOf(await post(body))).toEqual({
    epoch: rig.gateway.epoch,
    outcomes: [1, 2, 3].map((sequence) => ({ sequence, result: "stored", reason: "" })),
  });
  expect(rig.timeSeries.sampleCount()).toBe(3);
  expect(ackOf(await post(body)).outcomes.map(({ result }) => result)).toEqual(["duplicate", "duplicate", "duplicate"]);
});

test("who asks is proven before the body is looked at", async () => {
  const junk = Buffer.alloc(9_000_000);
  expect((await post(junk, { authorization: "" })).statusCode).toBe(401);
  expect((await post(junk, { authorization: authorization("wrong") })).statusCode).toBe(401);
  expect((await post(junk, { authorization: authorization(rig.secret, "gw-0000000000000000") })).statusCode).toBe(401);
  expect((await poll(0, "wrong")).statusCode).toBe(401);
  expect((await post(junk)).statusCode).toBe(413);
});

test("a body that is no list of batches is refused, and a batch of another gateway too", async () => {
  expect((await post(Buffer.from([0xff, 0xff]))).statusCode).toBe(400);
  expect((await post(Buffer.from("{}"), { "content-type": "application/json" })).statusCode).toBe(415);
  const foreign = rig.gateway.forge([], { gatewayId: "gw-0000000000000000" });
  expect(ackOf(await post(encodeDelimited([foreign.bytes]))).outcomes).toMatchObject([
    { result: "refused", reason: "gateway-mismatch" },
  ]);
});

test("a revoked gateway is refused, and its open question for commands ends", async () => {
  const question = poll(30_000);
  await settle();
  await rig.store.revokeGateway(rig.scope, rig.gateway.gatewayId, t0);
  expect((await question).statusCode).toBe(401);
  expect((await post(encodeDelimited([rig.gateway.seal([]).bytes]))).statusCode).toBe(401);
});

test("too many requests of one gateway are told to wait", async () => {
  await reopen({ requestsPerMinute: 3 });
  const statuses: number[] = [];
  for (let n = 0; n < 5; n += 1) statuses.push((await poll(0)).statusCode);
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
  expect((await poll(0)).headers["retry-after"]).toBeDefined();
});

test("an ingest with no room answers 503, so that the gateway comes again", async () => {
  await rig.ingest.close();
  const response = await post(encodeDelimited([rig.gateway.seal([sampleItem("p", t0, 1)]).bytes]));
  expect(response.statusCode).toBe(503);
  expect(response.headers["retry-after"]).toBe("5");
});

test("a command goes out with the question that waits for it, and is repeated until its effect is seen", async () => {
  await post(encodeDelimited([rig.gateway.seal([alarmItem("event-1")]).bytes]));
  const target = { siteId: "site-1", gatewayId: rig.gateway.gatewayId };
  const action = { kind: "acknowledge-alarm", alarmId: "alarm-1", comment: "" } as const;
  const question = poll(30_000);
  await settle();
  await outbox.enqueue(rig.scope, target, { commandId: "c-1", actor: "ann", issuedAtMs: t0, action });
  const commandsOf = async (asked: Promise<LightMyRequestResponse>): Promise<readonly unknown[]> => {
    const decoded = decodeDelimited((await asked).rawPayload);
    return decoded.kind === "ok" ? decoded.value.map(decodeCommand) : [];
  };
  const expected = [{ kind: "ok", value: { commandId: "c-1", actor: "ann", issuedAtMs: t0, action } }];
  expect(await commandsOf(question)).toEqual(expected);
  const again = poll(60_000);
  await settle();
  await rig.clock.advance(7_000);
  expect(await commandsOf(again)).toEqual(expected);
  const done = { transition: "acknowledged", state: "acknowledged", actor: "ann", commandId: "c-1" } as const;
  await post(encodeDelimited([rig.gateway.seal([alarmItem("event-2", done)]).bytes]));
  const last = poll(40_000);
  await settle();
  await rig.clock.advance(40_000);
  expect(await commandsOf(last)).toEqual([]);
});

test("a gateway that asks is connected, and one that asks no more is not", async () => {
  const states = (): boolean[] => rig.events.flatMap((event) => (event.kind === "gateway" ? [event.connected] : []));
  const question = poll(10_000);
  await settle();
  expect(states()).toEqual([true]);
  await rig.clock.advance(10_000);
  expect((await question).statusCode).toBe(200);
  await rig.clock.advance(30_000);
  expect(states()).toEqual([true, false]);
});

test("requests are counted by path and status", async () => {
  await poll(0);
  await poll(0, "wrong");
  const text = await metrics.metrics();
  expect(text).toContain(`frostlight_gateway_http_requests_total{path="${gatewayPaths.commands}",status="200"} 1`);
  expect(text).toContain(`frostlight_gateway_http_requests_total{path="${gatewayPaths.commands}",status="401"} 1`);
});
