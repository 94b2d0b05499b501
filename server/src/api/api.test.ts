import { afterEach, describe, expect, it } from "vitest";

import { type ApiBench, benchPassword, openApiBench } from "./testing/api-bench.ts";
import { sampleOf } from "./testing/memory-state.ts";
import { addSampleSite, sampleSite } from "./testing/sample-site.ts";

const picture = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);
const benches: ApiBench[] = [];

async function bench(given: Parameters<typeof openApiBench>[0] = {}): Promise<ApiBench> {
  const opened = await openApiBench(given);
  benches.push(opened);
  return opened;
}

afterEach(async () => {
  for (const opened of benches.splice(0)) await opened.app.close();
});

function signIn(api: ApiBench, name: string, password: string) {
  return api.ask({ method: "POST", url: "/api/v1/session", payload: { name, password } });
}

describe("sessions", () => {
  it("give a cookie that scripts cannot read and that other sites cannot send", async () => {
    const api = await bench();
    const answer = await signIn(api, "olga", benchPassword);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ name: "olga", role: "operator" });
    const cookie = String(answer.headers["set-cookie"]);
    expect(cookie).toContain("HttpOnly");
    expect(cookie).toContain("SameSite=Strict");
    const token = /frostlight-session=([^;]+)/.exec(cookie)?.[1] ?? "";
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect([...api.accounts.sessions.keys()]).not.toContain(token);
  });

  it("are called __Host- and secure when the public address is https", async () => {
    const api = await bench({ options: { publicUrl: "https://frost.example.org" } });
    const cookie = String((await signIn(api, "olga", benchPassword)).headers["set-cookie"]);
    expect(cookie).toMatch(/^__Host-frostlight=/);
    expect(cookie).toContain("Secure");
  });

  it("are refused alike for a wrong password and an unknown name", async () => {
    const api = await bench();
    const wrong = await signIn(api, "olga", "not this one");
    const unknown = await signIn(api, "nobody", "not this one");
    expect([wrong.statusCode, unknown.statusCode]).toEqual([401, 401]);
    expect(wrong.json()).toEqual(unknown.json());
  });

  it("are refused after too many attempts from one address", async () => {
    const api = await bench({ options: { rateLimits: { signInPerMinute: 3 } } });
    const codes: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) codes.push((await signIn(api, "olga", "wrong wrong")).statusCode);
    expect(codes).toEqual([401, 401, 401, 429]);
  });

  it("are refused after too many failures on one name, and again possible fifteen minutes later", async () => {
    const api = await bench({ options: { rateLimits: { failuresPerName: 2 } } });
    await signIn(api, "olga", "wrong wrong");
    await signIn(api, "olga", "wrong wrong");
    expect((await signIn(api, "olga", benchPassword)).statusCode).toBe(429);
    await api.clock.advance(15 * 60_000);
    expect((await signIn(api, "olga", benchPassword)).statusCode).toBe(200);
  });

  it("end at their time", async () => {
    const api = await bench();
    expect((await api.ask({ url: "/api/v1/session", as: "olga" })).statusCode).toBe(200);
    await api.clock.advance(86_400_000);
    expect((await api.ask({ url: "/api/v1/session", as: "olga" })).statusCode).toBe(401);
  });

  it("end on signing out", async () => {
    const api = await bench();
    const answer = await api.ask({ method: "DELETE", url: "/api/v1/session", as: "olga" });
    expect(answer.statusCode).toBe(204);
    expect((await api.ask({ url: "/api/v1/session", as: "olga" })).statusCode).toBe(401);
  });

  it("end everywhere else when the password changes", async () => {
    const api = await bench();
    const other = String((await signIn(api, "olga", benchPassword)).headers["set-cookie"]).split(";")[0] ?? "";
    const changed = await api.ask({
      method: "POST",
      url: "/api/v1/password",
      as: "olga",
      payload: { current: benchPassword, next: "another long one" },
    });
    expect(changed.statusCode).toBe(204);
    expect((await api.ask({ url: "/api/v1/session", as: "olga" })).statusCode).toBe(200);
    expect((await api.ask({ url: "/api/v1/session", headers: { cookie: other } })).statusCode).toBe(401);
    expect((await signIn(api, "olga", benchPassword)).statusCode).toBe(401);
    expect((await signIn(api, "olga", "another long one")).statusCode).toBe(200);
  });

  it("keep their password when the current one is given wrong", async () => {
    const api = await bench();
    const payload = { current: "wrong wrong", next: "another long one" };
    const answer = await api.ask({ method: "POST", url: "/api/v1/password", as: "olga", payload });
    expect(answer.statusCode).toBe(403);
    expect((await signIn(api, "olga", benchPassword)).statusCode).toBe(200);
  });
});

describe("the overview", () => {
  it("puts the room with an alarm first, then the unknown one, then the normal one", async () => {
    const api = await bench();
    addSampleSite(api.state, "a", "school", picture);
    api.timeSeries.add("school", [
      sampleOf({ pointId: "fridge/air", timeMs: api.clock.nowMs() - 20_000, value: 4.2 }),
      sampleOf({ pointId: "freezer/air", timeMs: api.clock.nowMs() - 20_000, value: -15.2 }),
      sampleOf({ pointId: "prep/air", timeMs: api.clock.nowMs() - 200_000, value: 21 }),
    ]);
    const { sites } = (await api.ask({ url: "/api/v1/overview", as: "vera" })).json();
    expect(sites[0].simulated).toBe(true);
    expect(sites[0].zones.map((zone: { zoneId: string; state: string }) => [zone.zoneId, zone.state])).toEqual([
      ["freezer", "high"],
      ["prep", "unknown"],
      ["fridge", "normal"],
    ]);
    expect(sites[0].zones[0].points[0].latest).toMatchObject({ value: -15.2, quality: "good" });
    expect(sites[0].zones[1].cameras[0].health.state).toBe("ok");
  });

  it("shows 96 quarter-hours, a missing one as missing, and asks the store once a minute", async () => {
    const api = await bench();
    addSampleSite(api.state, "a", "school", picture);
    const nowMs = api.clock.nowMs();
    api.timeSeries.add("school", [sampleOf({ pointId: "freezer/air", timeMs: nowMs - 20 * 3_600_000, value: -20 })]);
    for (let minute = 0; minute < 15; minute += 1) {
      api.timeSeries.add("school", [
        sampleOf({ pointId: "freezer/air", timeMs: nowMs - 45 * 60_000 + minute * 60_000, value: -19 }),
      ]);
    }
    const read = async () => {
      const { sites } = (await api.ask({ url: "/api/v1/overview", as: "vera" })).json();
      return sites[0].zones.find((zone: { zoneId: string }) => zone.zoneId === "freezer").strip;
    };
    const strip = await read();
    expect(strip.mean).toHaveLength(96);
    expect(strip.completeness.slice(-4)).toEqual([100, 0, 0, 0]);
    expect(strip.mean.slice(-4)).toEqual([-19, null, null, null]);
    const before = api.timeSeries.bucketQueries;
    await read();
    expect(api.timeSeries.bucketQueries).toBe(before);
    await api.clock.advance(60_000);
    await read();
    expect(api.timeSeries.bucketQueries).toBe(2 * before);
  });

  it("shows the first minutes of a new point in minutes instead of quarter-hours", async () => {
    const api = await bench();
    addSampleSite(api.state, "a", "school", picture);
    const nowMs = api.clock.nowMs();
    api.timeSeries.add(
      "school",
      [5, 4, 3, 2, 1].map((minute) =>
        sampleOf({ pointId: "freezer/air", timeMs: nowMs - minute * 60_000, value: -minute }),
      ),
    );
    const { sites } = (await api.ask({ url: "/api/v1/overview", as: "vera" })).json();
    const { strip } = sites[0].zones.find((zone: { zoneId: string }) => zone.zoneId === "freezer");
    expect(strip.bucketMs).toBe(60_000);
    expect(strip.mean.slice(-7)).toEqual([null, -5, -4, -3, -2, -1, null]);
    expect(strip.completeness.slice(-7)).toEqual([0, 100, 100, 100, 100, 100, 0]);
  });

  it("shows a site whose gateway has not spoken as unknown", async () => {
    const api = await bench();
    await api.state.createSite({ organisationId: "a" }, "empty");
    const { sites } = (await api.ask({ url: "/api/v1/overview", as: "vera" })).json();
    expect(sites).toMatchObject([{ siteId: "empty", state: "unknown", name: null, zones: [] }]);
  });
});

describe("a curve", () => {
  const url = (fromMs: number, toMs: number, maxPoints: number) =>
    `/api/v1/sites/school/points/freezer%2Fair/series?from=${fromMs}&to=${toMs}&maxPoints=${maxPoints}`;

  it("is raw while that is few enough and in buckets beyond", async () => {
    const api = await bench();
    addSampleSite(api.state, "a", "school", picture);
    const toMs = api.clock.nowMs();
    const samples = Array.from({ length: 120 }, (_, minute) =>
      sampleOf({ pointId: "freezer/air", timeMs: toMs - (120 - minute) * 60_000, value: -20 + minute / 100 }),
    );
    api.timeSeries.add("school", samples);
    const raw = (await api.ask({ url: url(toMs - 7_200_000, toMs, 200), as: "vera" })).json();
    expect(raw.bucketMs).toBeNull();
    expect(raw.samples).toHaveLength(120);
    const buckets = (await api.ask({ url: url(toMs - 7_200_000, toMs, 20), as: "vera" })).json();
    expect(buckets.bucketMs).toBe(600_000);
    expect(buckets.buckets).toHaveLength(12);
    expect(buckets.samples).toEqual([]);
  });

  it("of an unknown point is 404 and an empty range is 400", async () => {
    const api = await bench();
    addSampleSite(api.state, "a", "school", picture);
    const unknown = await api.ask({ url: "/api/v1/sites/school/points/nope/series?from=0&to=1000", as: "vera" });
    expect(unknown.statusCode).toBe(404);
    expect((await api.ask({ url: url(2000, 1000, 100), as: "vera" })).statusCode).toBe(400);
  });
});

describe("acknowledging", () => {
  it("asks the gateway once, is shown as requested, and is done when its event comes back", async () => {
    const api = await bench();
    const { alarm } = addSampleSite(api.state, "a", "school", picture);
    const acknowledge = () =>
      api.ask({
        method: "POST",
        url: `/api/v1/alarms/${alarm.alarmId}/acknowledgement`,
        as: "olga",
        payload: { comment: "door was open" },
      });
    const first = await acknowledge();
    expect(first.statusCode).toBe(202);
    expect((await acknowledge()).json()).toEqual(first.json());
    expect(api.state.commands).toHaveLength(1);
    expect(api.state.commands[0]?.command).toMatchObject({
      actor: "olga",
      action: { kind: "acknowledge-alarm", alarmId: alarm.alarmId, comment: "door was open" },
    });
    const list = async () => (await api.ask({ url: "/api/v1/alarms?open=true", as: "vera" })).json().alarms[0];
    expect(await list()).toMatchObject({ state: "unacknowledged", acknowledgeRequested: { actor: "olga" } });
    api.state.alarmMap.set(alarm.alarmId, { alarm: { ...alarm, state: "acknowledged" }, events: [] });
    expect(await list()).toMatchObject({ state: "acknowledged", acknowledgeRequested: null });
    expect((await acknowledge()).statusCode).toBe(409);
  });
});

describe("evidence", () => {
  it("comes with its own type, may be kept, and cannot run", async () => {
    const api = await bench();
    const { sha256 } = addSampleSite(api.state, "a", "school", picture);
    const answer = await api.ask({ url: `/api/v1/evidence/${sha256}`, as: "vera" });
    expect(answer.rawPayload).toEqual(Buffer.from(picture));
    expect(answer.headers).toMatchObject({
      "content-type": "image/jpeg",
      "x-content-type-options": "nosniff",
      "cache-control": "private, max-age=31536000, immutable",
      "content-security-policy": "default-src 'none'; sandbox",
    });
    const headers = { "if-none-match": `"${sha256}"` };
    expect((await api.ask({ url: `/api/v1/evidence/${sha256}`, as: "vera", headers })).statusCode).toBe(304);
  });

  it("comes in the part that was asked for, only to who may see the whole", async () => {
    const api = await bench();
    const { sha256 } = addSampleSite(api.state, "a", "school", picture);
    const url = `/api/v1/evidence/${sha256}`;
    const size = picture.length;
    const part = await api.ask({ url, as: "vera", headers: { range: "bytes=1-3" } });
    expect(part.statusCode).toBe(206);
    expect(part.rawPayload).toEqual(Buffer.from(picture.slice(1, 4)));
    expect(part.headers).toMatchObject({
      "content-range": `bytes 1-3/${size}`,
      "content-length": "3",
      "content-type": "image/jpeg",
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=31536000, immutable",
      etag: `"${sha256}"`,
    });
    const own = { range: "bytes=1-3", "if-range": `"${sha256}"` };
    expect((await api.ask({ url, as: "vera", headers: own })).statusCode).toBe(206);
    const other = { range: "bytes=1-3", "if-range": '"another"' };
    expect((await api.ask({ url, as: "vera", headers: other })).rawPayload).toEqual(Buffer.from(picture));
    const head = await api.ask({ method: "HEAD", url, as: "vera", headers: { range: "bytes=1-3" } });
    expect([head.statusCode, head.headers["content-length"]]).toEqual([200, String(size)]);
    for (const as of [undefined, "bob"]) {
      const refused = await api.ask({ url, headers: { range: "bytes=0-0" }, ...(as === undefined ? {} : { as }) });
      expect(refused.statusCode).toBe(as === undefined ? 401 : 404);
      expect(refused.headers["content-range"]).toBeUndefined();
    }
  });

  it("says how large it is when bytes beyond it, or several parts, are asked for", async () => {
    const api = await bench();
    const { sha256 } = addSampleSite(api.state, "a", "school", picture);
    for (const [range, code] of [
      [`bytes=${picture.length}-`, "range-not-in-file"],
      ["bytes=0-0,2-3", "range-several-parts"],
    ] as const) {
      const answer = await api.ask({ url: `/api/v1/evidence/${sha256}`, as: "vera", headers: { range } });
      expect(answer.statusCode).toBe(416);
      expect(answer.headers).toMatchObject({
        "content-range": `bytes */${picture.length}`,
        "cache-control": "no-store",
      });
      expect(answer.json()).toMatchObject({ code });
    }
  });

  it("of a type that could run in a browser is only a download", async () => {
    const api = await bench();
    const { sha256 } = addSampleSite(api.state, "a", "school", picture);
    const file = api.state.files.get(sha256);
    if (file === undefined) throw new Error("no file");
    api.state.files.set(sha256, { ...file, info: { ...file.info, mediaType: "image/svg+xml" } });
    const answer = await api.ask({ url: `/api/v1/evidence/${sha256}`, as: "vera" });
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    expect(answer.headers["content-disposition"]).toContain("attachment");
  });
});

describe("joining", () => {
  it("gives an administrator a token that is stored only as its hash", async () => {
    const api = await bench();
    const created = await api.ask({ method: "POST", url: "/api/v1/sites", as: "ann", payload: { siteId: "school-2" } });
    expect(created.statusCode).toBe(201);
    const again = await api.ask({ method: "POST", url: "/api/v1/sites", as: "ann", payload: { siteId: "school-2" } });
    expect(again.statusCode).toBe(409);
    const answer = await api.ask({
      method: "POST",
      url: "/api/v1/sites/school-2/enrolment-tokens",
      as: "ann",
      payload: {},
    });
    expect(answer.statusCode).toBe(201);
    const { token } = answer.json();
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect(JSON.stringify(api.state.tokens)).not.toContain(token);
    expect(api.state.tokens).toMatchObject([{ siteId: "school-2", organisationId: "a" }]);
  });
});

describe("the interface", () => {
  it("does not start with a route that names no permission", async () => {
    const plugin = async (app: ApiBench["app"]) => {
      app.get("/gateway/v1/thing", () => "thing");
    };
    await expect(openApiBench({ plugins: [plugin] })).rejects.toThrow(/GET \/gateway\/v1\/thing names no permission/);
  });

  it("does not start with a route of its own that has no schema", async () => {
    const plugin = async (app: ApiBench["app"]) => {
      app.get("/api/v1/thing", { config: { permission: "read" } }, () => "thing");
    };
    await expect(openApiBench({ plugins: [plugin] })).rejects.toThrow(/has no response schema/);
  });

  it("says in one shape what is wrong with a request", async () => {
    const api = await bench();
    const answer = await api.ask({ method: "POST", url: "/api/v1/session", payload: { name: "", pass: 1 } });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: "request-invalid" });
    expect(answer.json().problems.map((problem: { path: string }) => problem.path)).toContain("body/name");
  });

  it("describes itself as OpenAPI 3.1 with every route", async () => {
    const api = await bench();
    const document = (await api.ask({ url: "/api/v1/openapi.json", as: "vera" })).json();
    expect(document.openapi).toBe("3.1.0");
    const described = Object.keys(document.paths);
    const routes = api.app.routeRules.filter((rule) => rule.url.startsWith("/api/"));
    for (const { url } of routes) expect(described).toContain(url.replaceAll(/:(\w+)/g, "{$1}"));
    expect(Object.keys(document.components.schemas).filter((name) => name.endsWith("Input"))).toEqual([]);
  });

  it("tells Prometheus its counters, but not a forwarded stranger", async () => {
    const api = await bench();
    const near = await api.ask({ url: "/api/v1/metrics" });
    expect(near.statusCode).toBe(200);
    expect(near.body).toContain("frostlight_api_request_seconds");
    expect((await api.ask({ url: "/api/v1/metrics", remoteAddress: "203.0.113.9" })).statusCode).toBe(401);
    const forwarded = await api.ask({ url: "/api/v1/metrics", headers: { "x-forwarded-for": "203.0.113.9" } });
    expect(forwarded.statusCode).toBe(401);
  });

  it("lists gateways with the health of their parts", async () => {
    const api = await bench();
    addSampleSite(api.state, "a", "school", picture);
    const { gateways } = (await api.ask({ url: "/api/v1/gateways", as: "vera" })).json();
    expect(gateways).toMatchObject([
      {
        gatewayId: "gateway-school",
        softwareVersion: sampleSite("x").softwareVersion,
        health: [{ subject: "camera:kitchen" }],
      },
    ]);
  });
});
