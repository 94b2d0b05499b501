import { describe, expect, it } from "vitest";

import { ownModel } from "./own-model.ts";
import { person, RuleWatch } from "./testing/rule-watch.ts";

describe("own-model", () => {
  it("finds the classes it was asked for, and says that nobody measured it", async () => {
    const watch = new RuleWatch(ownModel, { labels: ["no-gloves"] });
    const hits = await watch.hits(10, () => [person(0.4, 0.8, "no-gloves"), person(0.7, 0.9, "gloves")]);
    expect(hits).toHaveLength(1);
    expect(hits[0]?.boxes.map(({ label }) => label)).toEqual(["no-gloves"]);
    expect(hits[0]?.explanation).toMatchObject({
      code: "own-model-experimental",
      parameters: { label: "no-gloves", count: 1 },
    });
  });

  it("is plain once the operator measured it", async () => {
    const watch = new RuleWatch(ownModel, { labels: ["no-gloves"], experimental: false });
    const [hit] = await watch.hits(10, () => [person(0.4, 0.8, "no-gloves")]);
    expect(hit?.explanation.code).toBe("own-model");
  });
});
