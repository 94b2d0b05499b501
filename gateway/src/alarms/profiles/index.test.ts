import { contractLimits } from "@frostlight/contract";
import { describe, expect, it } from "vitest";

import { describeLimitsSource, limitsOf, profileById, profiles, profileSchema, readProfiles } from "./index.ts";
import data from "./profiles.json" with { type: "json" };

describe("zone profiles", () => {
  it("ship every profile of the standards table with its numbers", () => {
    const table = profiles.map((profile) => {
      const { low, high, criticalLow, criticalHigh } = limitsOf(profile);
      return [profile.id, low, high, criticalLow, criticalHigh];
    });
    expect(table).toEqual([
      ["frozen-store", null, -18, null, -12],
      ["chilled-store", 0, 8, null, 10],
      ["canteen-fridge", 0, 8, null, 10],
      ["canteen-freezer", null, -12, null, -8],
      ["sample-cabinet", 0, 8, null, 10],
      ["prep-room", null, 25, null, 27],
      ["hot-holding", 60, null, 57, null],
      ["dairy", 2, 6, null, 8],
      ["vaccine", 2, 8, -0.5, 8],
      ["import-us", null, 5, null, null],
      ["strict", null, null, null, null],
    ]);
  });

  it("have unique ids and are found by them", () => {
    expect(new Set(profiles.map((profile) => profile.id)).size).toBe(profiles.length);
    expect(profileById("dairy")?.name.zh).toBe("乳制品");
    expect(profileById("no-such-room")).toBeUndefined();
  });

  it("carry the alarm timing of chilled, frozen and vaccine rooms", () => {
    expect(profileById("chilled-store")?.timing).toMatchObject({
      deadband: { celsius: 0.5 },
      warningOnDelay: { seconds: 900 },
      highOnDelay: { seconds: 1800 },
      criticalHighOnDelay: { seconds: 300 },
      offDelay: { seconds: 600 },
      limitCountsAsBreach: { holds: true, confidence: "A" },
    });
    expect(profileById("frozen-store")?.timing.deadband.celsius).toBe(1);
    expect(profileById("vaccine")?.timing.criticalHighOnDelay.seconds).toBe(36_000);
    expect(profileById("vaccine")?.timing.criticalLowOnDelay.seconds).toBe(3_600);
  });

  it("say where each limit comes from without ever claiming compliance", () => {
    const texts = profiles.map(describeLimitsSource);
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(contractLimits.textLength);
    expect(texts.join("\n")).not.toMatch(/compl(y|ies|iant)|符合/i);
    expect(texts[0]).toBe("frozen-store: H -18 °C: GB/T 24616; DB31/T 388 (CN, B) · HH -12 °C: GB/T 24616 (CN, B)");
    expect(texts[2]).toContain("H 8 °C: 餐饮服务食品安全操作规范 (CN, C: 原文未核 / text not read)");
    expect(texts[6]).toContain("LL 57 °C: FDA Food Code 3-501.16(A)(1) (US, B)");
    expect(texts.at(-1)).toBe("strict: –");
  });

  it("refuse data with an unknown key or a missing source", () => {
    const broken = structuredClone(data) as { profiles: { limits: { high: { source?: string } | null } }[] };
    delete broken.profiles[0]?.limits.high?.source;
    expect(() => readProfiles(broken)).toThrow(/profiles cannot be read/);
    expect(() => readProfiles({ ...data, extra: 1 })).toThrow(/profiles cannot be read/);
    expect(profileSchema.safeParse({ ...profiles[0], colour: "blue" }).success).toBe(false);
    expect(profileSchema.safeParse(profiles[0]).success).toBe(true);
  });
});
