import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";

import { isFrostlightError, systemClock } from "@frostlight/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { SamplesRejectedError } from "../../../server/src/stores/timeseries/index.ts";
import { type InfluxDb, startInfluxDb } from "../../sims/influxdb.ts";
import { batchOf, missingProgram, openInflux, openStore, sampleOf, startMs } from "./harness.ts";

const air = { siteId: "canteen-1", pointId: "air" };
const missing = process.env["CI"] === "true" ? undefined : missingProgram("influx");

async function problemOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const problem = await problemOf(work);
  return isFrostlightError(problem) ? problem.code : String(problem);
}

describe.skipIf(missing !== undefined)("the InfluxDB store on a real InfluxDB", () => {
  let influx: InfluxDb;
  beforeAll(async () => {
    influx = await startInfluxDb();
  });
  afterAll(() => influx.stop());

  it("rejects exactly the lines that a partial write left out, with the reason", async () => {
    const store = openInflux(influx, { database: "partial", samplesPerRequest: 500 });
    await store.start();
    // Somebody wrote `reason` as a number into this shard: text is refused there from now on.
    const line = `samples,site=other,point=other reason=5 ${startMs}000000`;
    await fetch(`${influx.url}/write?db=partial`, { method: "POST", body: line });
    const bad = new Set([3, 77, 78, 400, 1_200]);
    const samples = Array.from({ length: 1_500 }, (_, index) =>
      sampleOf({
        timeMs: startMs + index,
        value: index,
        ...(bad.has(index) ? { quality: "uncertain", reason: "drift" } : {}),
      }),
    );
    const problem = await problemOf(store.write([batchOf(samples)]));
    expect(problem).toBeInstanceOf(SamplesRejectedError);
    const rejected = problem instanceof SamplesRejectedError ? problem.rejected : [];
    expect(rejected.map(({ index }) => index)).toEqual([...bad]);
    expect(rejected[0]?.reason).toContain("field type conflict");
    expect(await store.count(air)).toBe(1_500 - bad.size);
    await store.stop();
  });

  it("tells each of several waiting writers about its own samples only", async () => {
    const store = openInflux(influx, { database: "several" });
    await store.start();
    const line = `samples,site=other,point=other reason=5 ${startMs}000000`;
    await fetch(`${influx.url}/write?db=several`, { method: "POST", body: line });
    const bad = sampleOf({ reason: "drift" });
    const results = await Promise.all([
      problemOf(store.write([batchOf([sampleOf()], { sequence: 1 })])),
      problemOf(store.write([batchOf([sampleOf(), bad], { sequence: 2 })])),
      problemOf(store.write([batchOf([bad, bad], { sequence: 3 })])),
      problemOf(store.write([batchOf([sampleOf()], { sequence: 4 })])),
    ]);
    expect(results.map((result) => (result instanceof SamplesRejectedError ? result.rejected.length : result))).toEqual(
      [undefined, 1, 2, undefined],
    );
    expect(await store.count(air)).toBe(3);
    await store.stop();
  });

  it("rejects what the retention policy no longer takes and stores the rest", async () => {
    await influx.query("CREATE DATABASE short; CREATE RETENTION POLICY week ON short DURATION 7d REPLICATION 1");
    const store = openInflux(influx, { database: "short", retentionPolicy: "week" });
    await store.start();
    const nowMs = systemClock.nowMs();
    const samples = [sampleOf({ timeMs: Date.UTC(2013, 0, 1) }), sampleOf({ timeMs: nowMs, value: 4 })];
    const problem = await problemOf(store.write([batchOf(samples)]));
    const rejected = problem instanceof SamplesRejectedError ? problem.rejected : [];
    expect(rejected.map(({ index }) => index)).toEqual([0]);
    expect(rejected[0]?.reason).toContain("beyond retention policy");
    expect((await store.latest([air]))[0]?.sample.value).toBe(4);
    expect(await store.count(air)).toBe(1);
    await store.stop();
  });

  it("finds a sample once when its point moved to another zone between two tries", async () => {
    const store = openInflux(influx, { database: "moved" });
    await store.start();
    const batch = batchOf([sampleOf()]);
    await store.write([batch]);
    const points = new Map([["air", { zoneId: "new-room", unit: "Cel", quantity: "temperature" }]]);
    await store.write([{ ...batch, points }]);
    expect(await store.read(air, 0, startMs * 2, 10)).toHaveLength(1);
    await store.stop();
  });

  it("creates its database again when somebody dropped it", async () => {
    const store = openInflux(influx, { database: "dropped" });
    await store.start();
    await influx.query("DROP DATABASE dropped");
    await store.write([batchOf([sampleOf()])]);
    expect(await store.count(air)).toBe(1);
    await store.stop();
  });

  it("leaves a missing database alone when it may not create it", async () => {
    const store = openInflux(influx, { database: "absent", createDatabase: false });
    await store.start();
    expect(await codeOf(store.write([batchOf([sampleOf()])]))).toBe("timeseries/unavailable");
    expect(JSON.stringify(await influx.query("SHOW DATABASES"))).not.toContain("absent");
    await store.stop();
  });

  it("uses another node when the first does not answer", async () => {
    const store = openInflux(influx, { database: "nodes", urls: ["http://127.0.0.1:9", influx.url] });
    await store.start();
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      await store.write([batchOf([sampleOf()], { sequence })]);
    }
    expect(await store.count(air)).toBe(5);
    await store.stop();
  });
});

describe.skipIf(missing !== undefined)("the InfluxDB store and a peer that comes and goes", () => {
  it("says unavailable while the peer is dead, and has everything acknowledged after its kill -9", async () => {
    const influx = await startInfluxDb();
    const store = openInflux(influx, { timeoutMs: 2_000 });
    await store.start();
    await store.write([batchOf([sampleOf({ value: 1 })])]);
    await influx.kill();
    expect(await codeOf(store.write([batchOf([sampleOf({ value: 2 })], { sequence: 2 })]))).toBe(
      "timeseries/unavailable",
    );
    expect(await codeOf(store.read(air, 0, startMs * 2, 10))).toBe("timeseries/unavailable");
    await influx.restart();
    await store.write([batchOf([sampleOf({ value: 2 })], { sequence: 2 })]);
    expect((await store.read(air, 0, startMs * 2, 10)).map(({ value }) => value)).toEqual([1, 2]);
    await store.stop();
    await influx.stop();
  });

  it("signs in with a user name and a secret, and keeps the data when it is turned away", async () => {
    const administrator = { username: "root", password: "correct horse" };
    const influx = await startInfluxDb({ administrator });
    await influx.query(
      `CREATE DATABASE frostlight; CREATE USER writer WITH PASSWORD 'it''s'`.replace("it''s", "s3cret"),
    );
    await influx.query("GRANT ALL ON frostlight TO writer");
    const open = (password: string) =>
      openStore(
        "influx",
        { urls: [influx.url], credentials: { username: "writer", password: { env: "INFLUX_PASSWORD" } } },
        "unused",
        { INFLUX_PASSWORD: password },
      );
    const right = open("s3cret");
    await right.start();
    await right.write([batchOf([sampleOf()])]);
    expect(await right.count(air)).toBe(1);
    await right.stop();
    const wrong = open("guess");
    await wrong.start();
    expect(await codeOf(wrong.write([batchOf([sampleOf()], { sequence: 2 })]))).toBe("timeseries/unavailable");
    expect(await codeOf(wrong.count(air))).toBe("timeseries/unavailable");
    await wrong.stop();
    await influx.stop();
  });
});

describe("the InfluxDB store and a peer that misbehaves", () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });

  const listen = async (server: Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
  };
  const answering = (handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> =>
    listen(
      createServer((request, response) => {
        request.resume();
        handle(request, response);
      }),
    );

  const bothCodes = async (url: string): Promise<readonly string[]> => {
    const store = openInflux({ url }, { timeoutMs: 300 });
    await store.start();
    const codes = [await codeOf(store.write([batchOf([sampleOf()])])), await codeOf(store.count(air))];
    await store.stop();
    return codes;
  };
  const unavailable = ["timeseries/unavailable", "timeseries/unavailable"];

  it("says unavailable within its timeout when the peer accepts and stays silent", async () => {
    const url = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => undefined).resume();
      }),
    );
    const started = performance.now();
    expect(await bothCodes(url)).toEqual(unavailable);
    // Three requests of 300 ms each: creating the database, writing, counting. Generous for a busy machine.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it("says unavailable when the answer breaks off in the middle", async () => {
    const url = await answering((_, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"results":[');
      systemClock.after(20, () => response.destroy());
    });
    expect((await bothCodes(url))[1]).toBe("timeseries/unavailable");
  });

  it("never takes a proxy's own error page for a verdict on the samples", async () => {
    for (const status of [400, 403, 404, 407, 429, 500, 502, 503]) {
      const url = await answering((_, response) => {
        response.writeHead(status, { "content-type": "text/html" }).end("<html>no</html>");
      });
      expect([status, ...(await bothCodes(url))]).toEqual([status, ...unavailable]);
    }
  });

  it("keeps samples that a limit of the peer's refuses: that is the peer's state, not theirs", async () => {
    const url = await answering((_, response) => {
      const error = "partial write: max-values-per-tag limit exceeded (100000/100000) dropped=1";
      response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error }));
    });
    expect((await bothCodes(url))[0]).toBe("timeseries/unavailable");
  });

  it("says unavailable when the answer is no JSON, an error inside a success, or cut short", async () => {
    const answers = ["pong", "null", '{"results":[{"error":"engine is closed"}]}', '{"error":"no"}'];
    const partial = '{"results":[{"series":[{"columns":["time","samples"],"values":[[0,1]],"partial":true}]}]}';
    for (const body of [...answers, partial]) {
      const url = await answering((_, response) => response.writeHead(200).end(body));
      expect([body, (await bothCodes(url))[1]]).toEqual([body, "timeseries/unavailable"]);
    }
  });

  it("sends a request that is too large in halves, and rejects a line that is too large by itself", async () => {
    let smallest = Number.POSITIVE_INFINITY;
    const url = await answering((request, response) => {
      const size = Number(request.headers["content-length"]);
      smallest = Math.min(smallest, size);
      response.writeHead(size > 400 && request.url?.startsWith("/write") === true ? 413 : 204).end();
    });
    const store = openInflux({ url }, {});
    await store.start();
    const samples = Array.from({ length: 9 }, (_, index) => sampleOf({ timeMs: startMs + index }));
    await store.write([batchOf(samples)]);
    const large = sampleOf({ reason: "x".repeat(1_000) });
    const problem = await problemOf(store.write([batchOf([sampleOf(), large], { sequence: 2 })]));
    expect(problem instanceof SamplesRejectedError && problem.rejected.map(({ index }) => index)).toEqual([1]);
    expect(smallest).toBeLessThanOrEqual(400);
    await store.stop();
  });

  it("sends no sign-in data when none is configured", async () => {
    const seen: (string | undefined)[] = [];
    const url = await answering((request, response) => {
      seen.push(
        request.headers.authorization,
        new URL(request.url ?? "", "http://x").searchParams.get("u") ?? undefined,
      );
      response.writeHead(204).end();
    });
    const store = openInflux({ url }, {});
    await store.start();
    await store.write([batchOf([sampleOf()])]);
    await store.stop();
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.every((value) => value === undefined)).toBe(true);
  });

  it("stops in time while the peer is silent and writes wait", async () => {
    const url = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => undefined).resume();
      }),
    );
    const store = openInflux({ url }, { timeoutMs: 300, createDatabase: false, samplesPerRequest: 1 });
    await store.start();
    const writes = Array.from({ length: 50 }, (_, sequence) =>
      codeOf(store.write([batchOf([sampleOf()], { sequence })])),
    );
    await store.stop();
    expect(new Set(await Promise.all(writes))).toEqual(new Set(["timeseries/unavailable"]));
  });

  it("refuses addresses that are none or carry a password", () => {
    const open = (urls: readonly string[]) => () => openInflux({ url: "" }, { urls });
    expect(open(["ftp://host"])).toThrow("expected an http");
    expect(open(["http://user:password@host:8086"])).toThrow("credentials");
    expect(open([])).toThrow("urls");
    expect(open(["http://[::1]:8086", "https://influx.example/base"])).not.toThrow();
  });
});
