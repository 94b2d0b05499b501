import { afterEach, describe, expect, it } from "vitest";

import { explain } from "./explain.ts";
import { language } from "./i18n/language.ts";

const nowMs = Date.UTC(2026, 10, 22, 6);

afterEach(() => {
  language.value = "zh";
});

const limitHigh = {
  code: "limit-high",
  parameters: {
    value: -15.24,
    limit: -18,
    unit: "Cel",
    worst: -15,
    heldMinutes: 12,
    delayMinutes: 15,
    since: { timeMs: Date.UTC(2026, 10, 22, 5, 48) },
    source: "GB/T 24616 (B)",
  },
};

describe("an explanation", () => {
  it("is a sentence with limits and values of one decimal, counts without, and the site's time", () => {
    language.value = "en";
    expect(explain(limitHigh, "Asia/Shanghai", nowMs)).toBe(
      "−15.2 °C, at or above the limit of −18.0 °C since today 13:48: 12 min (alarm delay 15 min), highest −15.0 °C. Limit from: GB/T 24616 (B)",
    );
  });

  it("is in the chosen language", () => {
    expect(explain(limitHigh, "Asia/Shanghai", nowMs)).toContain("达到或超过上限 −18.0 °C");
  });

  it("with a code nobody knows still says the code and all its parameters", () => {
    const text = explain({ code: "from-the-future", parameters: { speed: 3, place: "roof" } }, "UTC", nowMs);
    expect(text).toBe("from-the-future：speed 3, place roof");
    expect(explain({ code: "from-the-future", parameters: {} }, "UTC", nowMs)).toBe("from-the-future");
  });

  it("shows the place of a parameter that is missing instead of hiding it", () => {
    expect(explain({ code: "data-returned", parameters: { value: 3 } }, "UTC", nowMs)).toContain("{unit}");
  });
});
