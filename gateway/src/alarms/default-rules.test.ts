import { expect, it } from "vitest";

import type { Zone } from "../core/site.ts";
import { defaultRules, gatewayRules } from "./default-rules.ts";
import { describeLimitsSource, limitsOf, profiles } from "./profiles/index.ts";
import { camera, makePoint, makeRule, roomPoints, zone } from "./testing/stage.ts";

const zoneOf = (profileId: string, own: Partial<Zone> = {}): Zone => {
  const profile = profiles.find(({ id }) => id === profileId);
  if (profile === undefined) throw new Error(`no profile ${profileId}`);
  return { ...zone, profileId, limits: limitsOf(profile), limitsSource: describeLimitsSource(profile), ...own };
};

it("gives a frozen store a limit that learns, with its critical stage, the probe's health and nothing on the low side", () => {
  const rules = defaultRules({ zones: [zoneOf("frozen-store")], points: [makePoint()], cameras: [camera] });
  expect(rules.map(({ id, definition }) => [id, definition.kind])).toEqual([
    ["limit-high:probe", "excursion"],
    ["no-data:probe", "no-data"],
    ["flat-line:probe", "flat-line"],
    ["probe-fault:probe", "probe-fault"],
    ["camera-health:cam", "camera-health"],
  ]);
  expect(rules[0]?.options).toMatchObject({
    side: "high",
    limit: -18,
    critical: { value: -12, onDelaySeconds: 300 },
    onDelaySeconds: 2_700,
    maximumDelaySeconds: 7_200,
    deadband: 1,
    offDelaySeconds: 600,
    limitCountsAsBreach: true,
    source: "GB/T 24616; DB31/T 388 (CN, B); GB/T 24616 (CN, B)",
  });
  expect(rules[1]?.options).toMatchObject({
    afterSeconds: 600,
    afterIntervals: 3,
    escalation: { priority: "high", afterSeconds: 3_600 },
  });
});

it("makes valid rules for every shipped profile", () => {
  const ids = profiles.map(({ id }) =>
    defaultRules({ zones: [zoneOf(id)], points: [makePoint()], cameras: [] }).map((rule) => rule.id.split(":")[0]),
  );
  expect(Object.fromEntries(profiles.map(({ id }, index) => [id, ids[index]?.join(" ")]))).toEqual({
    "frozen-store": "limit-high no-data flat-line probe-fault",
    "chilled-store": "limit-high limit-low no-data flat-line probe-fault",
    "canteen-fridge": "limit-high limit-low no-data flat-line probe-fault",
    "canteen-freezer": "limit-high no-data flat-line probe-fault",
    "sample-cabinet": "no-data flat-line probe-fault sample-cabinet",
    "prep-room": "limit-high no-data flat-line probe-fault",
    "hot-holding": "hot-holding no-data flat-line probe-fault",
    dairy: "limit-high limit-low no-data flat-line probe-fault",
    vaccine: "limit-high limit-low no-data flat-line probe-fault",
    "import-us": "limit-high no-data flat-line probe-fault",
    strict: "no-data flat-line probe-fault",
  });
});

it("takes the vaccine's hours from its profile", () => {
  const rules = defaultRules({ zones: [zoneOf("vaccine")], points: [makePoint()], cameras: [] });
  expect(rules.slice(0, 2).map(({ options }) => options)).toMatchObject([
    { stages: [{}, {}, { value: 8, onDelaySeconds: 36_000 }] },
    { stages: [{ value: 2 }, {}, { value: -0.5, onDelaySeconds: 3_600 }] },
  ]);
});

it("converts limits and deadband for a point in degrees Fahrenheit", () => {
  const [high] = defaultRules({
    zones: [zoneOf("import-us")],
    points: [makePoint({ unit: "[degF]" })],
    cameras: [],
  });
  expect(high?.options).toMatchObject({ limit: 41, deadband: 0.9 });
});

it("names the site's own source when the site has set the limit itself", () => {
  const limits = { low: null, high: -20, criticalLow: null, criticalHigh: -12 };
  const [high] = defaultRules({
    zones: [zoneOf("frozen-store", { limits, limitsSource: "label of the ice cream" })],
    points: [makePoint()],
    cameras: [],
  });
  expect(high?.options).toMatchObject({ source: "label of the ice cream" });
});

it("watches door and power contacts, and probes of one room against each other", () => {
  const rules = defaultRules({ zones: [zoneOf("chilled-store")], points: roomPoints, cameras: [] });
  const others = rules.filter(({ points }) => !points.some((point) => point.startsWith("probe")));
  expect(others.map(({ id, definition }) => [id, definition.kind])).toEqual([
    ["door-open:door", "door-open"],
    ["power-loss:power", "power-loss"],
    ["pair-disagreement:room", "pair-disagreement"],
    ["recovery:room", "recovery"],
  ]);
});

it("gives a cabinet of retained samples one alarm for temperature, door and power, by its profile", () => {
  const rules = defaultRules({ zones: [zoneOf("sample-cabinet")], points: roomPoints, cameras: [] });
  expect(rules.filter(({ zones }) => zones.length > 0).map(({ id }) => id)).toEqual([
    "pair-disagreement:room",
    "recovery:room",
    "sample-cabinet:room",
  ]);
  expect(rules.some(({ definition }) => ["limit", "door-open", "power-loss"].includes(definition.kind))).toBe(false);
  expect(rules.at(-1)?.options).toMatchObject({
    lowCelsius: 0,
    highCelsius: 8,
    criticalHighCelsius: 10,
    keptHours: 48,
  });
});

it("watches a hot cabinet only while it is in use, critical at its profile's critical limit", () => {
  const [hot] = defaultRules({ zones: [zoneOf("hot-holding")], points: [makePoint()], cameras: [] });
  expect(hot?.options).toMatchObject({ limit: 60, critical: 57, idleAtOrBelow: 40 });
  const serving = { timeZone: "Asia/Shanghai", hours: [{ days: ["mon" as const], from: "11:00", to: "13:00" }] };
  const [byHours] = defaultRules({ zones: [zoneOf("hot-holding", { serving })], points: [makePoint()], cameras: [] });
  expect(byHours?.options).toMatchObject({ serving });
});

it("adds the rules about the gateway, and a configured rule replaces the default one of its id", () => {
  const site = { zones: [zoneOf("frozen-store")], points: [makePoint()], cameras: [] };
  const ids = (rules: readonly { readonly id: string; readonly enabled: boolean }[]): string[] =>
    rules.map(({ id, enabled }) => (enabled ? id : `${id} off`));
  const defaults = ids(gatewayRules(site, []));
  expect(defaults).toEqual([...ids(defaultRules(site)), "journal-space"]);
  const off = makeRule("journal-space", {}, { id: "journal-space", enabled: false });
  expect(ids(gatewayRules(site, [off]))).toEqual([...ids(defaultRules(site)), "journal-space off"]);
});

it("leaves humidity and points of unknown zones alone", () => {
  const points = [makePoint({ quantity: "humidity", unit: "%" }), makePoint({ zoneId: "elsewhere" })];
  expect(defaultRules({ zones: [zoneOf("frozen-store")], points, cameras: [] })).toEqual([]);
});

it("refuses a critical limit that is milder than the limit", () => {
  const limits = { low: null, high: -10, criticalLow: null, criticalHigh: -12 };
  const zones = [zoneOf("frozen-store", { limits })];
  expect(() => defaultRules({ zones, points: [makePoint()], cameras: [] })).toThrow(
    "zone room: the critical high limit of -12 °C is milder than the high limit of -10 °C",
  );
});

it("applies a zone's limits to what the zone says, and those of a probe in the goods to its reading, which is paired with none", () => {
  const points = ["a", "b", "goods"].map((pointId) => makePoint({ pointId }));
  for (const profileId of ["frozen-store", "prep-room"]) {
    const rules = defaultRules({
      zones: [zoneOf(profileId, { applyTo: "product", goodsProbe: "goods" })],
      points,
      cameras: [],
    });
    const of = (id: string) => rules.find((rule) => rule.id === id)?.options;
    expect(of("limit-high:a")).toMatchObject({ applyTo: "product" });
    expect(of("limit-high:goods")).toMatchObject({ applyTo: "air" });
    expect(of("pair-disagreement:room")).toMatchObject({ probes: ["a", "b"] });
  }
});
