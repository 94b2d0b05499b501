import { gatewayConfig } from "@frostlight/gateway/config";
import { parseConfig } from "@frostlight/kernel";
import { serverConfig } from "@frostlight/server/config";
import { describe, expect, it } from "vitest";

import { scenarioSchema, World } from "../../tests/sims/scenario.ts";
import { gatewayYaml, serverYaml } from "./configuration.ts";
import { defaultPorts, readOptions } from "./options.ts";
import { demoScenario, demoTimeline } from "./scenario.ts";

const gateway = parseConfig(
  "gateway.yaml",
  gatewayYaml({
    stateFolder: "/tmp/state",
    tokenFile: "/tmp/token",
    plcCertificate: "/tmp/certificate.pem",
    ports: defaultPorts,
  }),
  gatewayConfig,
);
const scenario = scenarioSchema.parse(demoScenario(0));

describe("the demonstration's configuration", () => {
  it("is accepted by the gateway and says that the data is simulated", () => {
    expect(gateway.site.simulated).toBe(true);
    expect(gateway.zones).toHaveLength(6);
  });

  it("is accepted by the server and listens on this machine only", () => {
    const server = parseConfig(
      "server.yaml",
      serverYaml({ dataFolder: "/tmp/data", ports: defaultPorts }),
      serverConfig,
    );
    expect(server.http.host).toBe("127.0.0.1");
  });

  it("has a room in the scenario for every zone, and a zone for every room", () => {
    expect(scenario.rooms.map((room) => room.id).toSorted()).toEqual(gateway.zones.map((zone) => zone.id).toSorted());
  });

  it("asks for every node that the controllers have, and for no other", () => {
    const asked = gateway.points
      .filter((point) => point.source === "controllers")
      .map((point) => JSON.stringify(point.address));
    expect(asked.toSorted()).toEqual(
      scenario.plc.nodes.map((node) => JSON.stringify({ nodeId: `ns=1;s=${node.name}` })).toSorted(),
    );
  });
});

describe("the demonstration's first ten minutes", () => {
  const world = new World(
    scenario,
    scenario.rooms.map((room) => room.id),
  );
  const air = new Map<string, number[]>(scenario.rooms.map((room) => [room.id, []]));
  for (let second = 0; second < demoTimeline.every; second += 1) {
    for (const room of scenario.rooms) air.get(room.id)?.push(world.at(room.id, second * 1000).thermal.airCelsius);
  }
  /** The longest time in a row that a room was at or over a limit, s. */
  const longestOver = (room: string, limit: number, until: number = demoTimeline.every): number => {
    let longest = 0;
    let now = 0;
    for (const celsius of (air.get(room) ?? []).slice(0, until)) {
      now = celsius >= limit ? now + 1 : 0;
      longest = Math.max(longest, now);
    }
    return longest;
  };

  it("warm the first store for longer than the alarm's delay of 15 s, and cool it again within 80 s", () => {
    expect(longestOver("frozen-1", -18)).toBeGreaterThan(17);
    expect(Math.max(...(air.get("frozen-1") ?? []).slice(80, 240))).toBeLessThan(-19);
  });

  it("defrost the second store without an alarm: below the limit throughout, though well above its band", () => {
    expect(longestOver("frozen-2", -18)).toBe(0);
    expect(Math.max(...(air.get("frozen-2") ?? []))).toBeGreaterThan(-21.5);
  });

  it("leave the canteen fridge open later, not before", () => {
    expect(longestOver("fridge", 8, demoTimeline.fridgeLeftOpenAt)).toBe(0);
    expect(longestOver("fridge", 8)).toBeGreaterThan(17);
  });

  it.each([
    ["chilled-1", 8],
    ["prep-room", 25],
    ["dock", 5],
  ] as const)("keep %s calm", (room, limit) => {
    expect(longestOver(room, limit)).toBeLessThan(15);
  });
});

describe("the command line", () => {
  it("names what is wrong with a port", () => {
    expect(() => readOptions(["--ports", "consol=1"], "/")).toThrow(/unknown "consol"/);
    expect(() => readOptions(["--ports", "console=none"], "/")).toThrow(/found "none"/);
  });

  it("keeps state below the project unless told otherwise", () => {
    expect(readOptions([], "/project")).toEqual({
      fresh: false,
      folder: "/project/.demo",
      ports: {},
      seconds: undefined,
    });
  });
});
