import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type ApiBench, benchPassword, openApiBench } from "../../server/src/api/testing/api-bench.ts";
import { addSampleSite } from "../../server/src/api/testing/sample-site.ts";

const picture = Uint8Array.from([0xff, 0xd8, 0xff]);
let api: ApiBench;
let known: ReturnType<typeof addSampleSite>;

beforeAll(async () => {
  api = await openApiBench();
  known = addSampleSite(api.state, "a", "school", picture);
  api.state.configurations.push({ gatewayId: "gateway-school", version: 1, yaml: "a: secret" });
});

afterAll(async () => {
  await api.app.close();
});

type Method = "GET" | "POST" | "DELETE";

interface Route {
  readonly method: Method;
  readonly url: string;
  readonly permission: string;
}

const bodies: Readonly<Record<string, object>> = {
  "/api/v1/session": { name: "olga", password: benchPassword },
  "/api/v1/password": { current: benchPassword, next: "a new long password" },
  "/api/v1/sites": { siteId: "taken-over" },
  "/api/v1/gateways/gateway-school/configurations": { yaml: "a: 1", reason: "taken over" },
  "/api/v1/gateways/gateway-school/calibrations": {
    pointId: "freezer/air",
    offset: 5,
    slope: 1,
    certificate: null,
    dueMs: null,
    reason: "taken over",
  },
  "/api/v1/gateways/gateway-school/approvals": {
    sourceId: "plc",
    fingerprintSha256: "ab".repeat(32),
    reason: "taken over",
  },
};

const anHourMs = 3_600_000;
const benchStartMs = Date.UTC(2026, 10, 22, 4);

/** Bodies that would be taken from the owner, by the end of the route. */
const actBodies: Readonly<Record<string, object>> = {
  "/learning": { what: "health", reason: "taken over" },
  "/shelving": { untilMs: benchStartMs + anHourMs / 2, oneShot: true, reason: "taken over", acceptCritical: true },
  "/unshelving": { reason: "taken over" },
  "/reset": { reason: "taken over" },
  "/verdict": { verdict: "false", comment: "taken over" },
  "/teaching": { request: { kind: "fit", thing: "hat" } },
  "/service": {
    inService: false,
    target: { kind: "zone", id: "freezer" },
    purpose: "maintenance",
    untilMs: benchStartMs + anHourMs,
    reason: "taken over",
  },
};

/** Every route with the ids of what organisation `a` owns in place of its parameters. */
function routes(): Route[] {
  const values: Readonly<Record<string, string>> = {
    siteId: "school",
    pointId: "freezer%2Fair",
    alarmId: known.alarm.alarmId,
    findingId: known.finding.findingId,
    cameraId: known.finding.cameraId,
    sha256: known.sha256,
    gatewayId: "gateway-school",
    version: "1",
  };
  return api.app.routeRules.flatMap(({ method, url, permission }) => {
    if (method !== "GET" && method !== "POST" && method !== "DELETE") return [];
    const filled = url.replaceAll(/:(\w+)/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`the test knows no value for ${name} of ${url}`);
      return value;
    });
    return [{ method, url: url.endsWith("/series") ? `${filled}?from=0&to=1000000` : filled, permission }];
  });
}

function ask({ method, url }: Route, as?: string) {
  const payload = method === "POST" ? { payload: bodies[url] ?? actBodies[url.slice(url.lastIndexOf("/"))] ?? {} } : {};
  return api.ask({ method, url, ...payload, ...(as === undefined ? {} : { as }), remoteAddress: "203.0.113.9" });
}

describe("the interface", () => {
  it("answers nobody without a session but on signing in and health", async () => {
    const open: string[] = [];
    for (const route of routes()) {
      const answer = await ask(route);
      const isRefused = answer.statusCode === 401 && answer.json().code === "session-missing";
      if (!isRefused) open.push(`${route.method} ${route.url}`);
    }
    expect(open.toSorted()).toEqual(["GET /api/v1/healthz", "POST /api/v1/session"]);
  });

  it("shows an administrator of another organisation nothing of this one, on any route", async () => {
    const asked = routes().filter(
      ({ url, method }) => !/\/(events|session|password|metrics|openapi.json)$/.test(url) && method !== "DELETE",
    );
    expect(asked.length).toBeGreaterThan(12);
    for (const route of asked) {
      const answer = await ask(route, "bob");
      const owned = /school|finding-|gateway-/.test(route.url) || route.url.includes(known.sha256);
      const name = `${route.method} ${route.url}`;
      expect(owned ? [404] : [200, 201, 202, 204], name).toContain(answer.statusCode);
      const told = answer.body.replaceAll(route.url, "").replaceAll(decodeURIComponent(route.url), "");
      expect(owned ? "" : told, name).not.toMatch(/school|Experimental|kitchen/);
    }
    expect(api.state.commands).toEqual([]);
    expect(api.state.configurations).toEqual([{ gatewayId: "gateway-school", version: 1, yaml: "a: secret" }]);
    expect(api.state.gatewayList[0]?.revokedMs).toBeNull();
    expect(api.state.tokens).toEqual([]);
  });

  it("lets a viewer only look, and an operator not administer", async () => {
    for (const route of routes()) {
      const refused =
        {
          "acknowledge-alarms": ["vera"],
          "shelve-alarms": ["vera"],
          "set-service": ["vera", "olga"],
          "calibrate-points": ["vera", "olga"],
          administer: ["vera", "olga"],
        }[route.permission] ?? [];
      for (const name of route.method === "POST" ? refused : []) {
        expect((await ask(route, name)).statusCode, `${name} ${route.url}`).toBe(403);
      }
    }
    expect((await api.ask({ url: "/api/v1/metrics", as: "olga", remoteAddress: "203.0.113.9" })).statusCode).toBe(403);
  });

  it("refuses requests that a page of another origin made", async () => {
    const url = `/api/v1/alarms/${known.alarm.alarmId}/acknowledgement`;
    const request = { method: "POST", url, as: "olga", payload: {} } as const;
    const foreign = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { origin: "http://localhost.evil.example" },
    ];
    for (const headers of foreign) {
      const answer = await api.ask({ ...request, headers: { host: "localhost:8080", ...headers } });
      expect(answer.json().code, JSON.stringify(headers)).toBe("foreign-origin");
    }
    const own = { host: "localhost:8080", origin: "http://localhost:8080", "sec-fetch-site": "same-origin" };
    expect((await api.ask({ ...request, headers: own })).statusCode).toBe(202);
  });

  it("takes no form and no plain text for a request", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
      const answer = await api.ask({
        method: "POST",
        url: "/api/v1/sites",
        as: "ann",
        payload: '{"siteId":"forged"}',
        headers: { "content-type": type },
      });
      expect(answer.statusCode, type).toBe(415);
    }
    expect(await api.state.site({ organisationId: "a" }, "forged")).toBeUndefined();
  });

  it("refuses a body beyond its limit", async () => {
    const payload = { name: "olga", password: "x".repeat(100_000) };
    const answer = await api.ask({ method: "POST", url: "/api/v1/session", payload });
    expect(answer.statusCode).toBe(413);
    expect(answer.json().code).toBe("request-too-large");
  });

  it("stays calm at hostile ids, paths and bodies", async () => {
    const ids = [
      "..%2f..%2fetc%2fpasswd",
      "%00",
      "'; DROP TABLE alarms; --",
      "x".repeat(300),
      "%F0%9F%A6%A0",
      "__proto__",
      "%ff",
      ".",
    ];
    for (const id of ids) {
      for (const url of [
        `/api/v1/sites/${id}`,
        `/api/v1/alarms/${id}`,
        `/api/v1/findings/${id}`,
        `/api/v1/evidence/${id}`,
      ]) {
        const { statusCode, body } = await api.ask({ url, as: "vera" });
        expect([400, 404, 414], `${url} ${body}`).toContain(statusCode);
        expect(JSON.parse(body).code, url).toBeTypeOf("string");
      }
    }
    for (const payload of [
      "{",
      '{"__proto__":{"role":"administrator"}}',
      "[]",
      "null",
      '{"siteId":"../x"}',
      '{"siteId":"A"}',
    ]) {
      const headers = { "content-type": "application/json" };
      const answer = await api.ask({ method: "POST", url: "/api/v1/sites", as: "ann", payload, headers });
      expect(answer.statusCode, payload).toBe(400);
    }
    for (const query of ["from=x&to=1", "from=-1&to=2", "from=0&to=9e99", "from=0&to=1&maxPoints=999999999"]) {
      const answer = await api.ask({ url: `/api/v1/sites/school/points/freezer%2Fair/series?${query}`, as: "vera" });
      expect(answer.statusCode, query).toBe(400);
    }
  });

  it("believes no session it did not give", async () => {
    for (const token of ["", "token-ann%00", "x".repeat(5000), "token-anne", "../token-ann"]) {
      const headers = { cookie: `frostlight-session=${token}` };
      expect((await api.ask({ url: "/api/v1/overview", headers })).statusCode).toBe(401);
    }
  });

  it("sends a strict policy with every answer", async () => {
    const { headers } = await api.ask({ url: "/api/v1/overview", as: "vera" });
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "x-frame-options": "DENY",
    });
  });
});
