import { describe, expect, it } from "vitest";

import { topicFilter, TopicRoutes } from "./topic-routes.ts";

describe("topic filters", () => {
  it.each([
    ["a/b", "a/b", true],
    ["a/b", "a/c", false],
    ["a/+/c", "a/x/c", true],
    ["a/+/c", "a//c", true],
    ["a/+/c", "a/x/y/c", false],
    ["a/+", "a", false],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["#", "a/b", true],
    ["#", "$SYS/x", false],
    ["+/x", "$SYS/x", false],
    ["+", "a/b", false],
  ])("%s and the topic %s: %s", (filter, topic, isMatch) => {
    expect(new TopicRoutes([{ filter, target: 1 }]).match(topic)).toEqual(isMatch ? [1] : []);
  });

  it("finds all points of a topic, exact ones and those behind wildcards", () => {
    const routes = new TopicRoutes([
      { filter: "a/b", target: "temperature" },
      { filter: "a/+", target: "any" },
      { filter: "a/b", target: "humidity" },
      { filter: "c/d", target: "other" },
    ]);
    expect(routes.match("a/b")).toEqual(["temperature", "humidity", "any"]);
    expect(routes.match("a/b")).toEqual(["temperature", "humidity", "any"]);
    expect(routes.match("a/x")).toEqual(["any"]);
    expect(routes.match("__proto__")).toEqual([]);
  });

  it("stays right after more topics than it remembers", () => {
    const routes = new TopicRoutes([{ filter: "a/+/t", target: 1 }]);
    for (let index = 0; index < 10_000; index += 1) routes.match(`noise/${index}`);
    expect(routes.match("a/9/t")).toEqual([1]);
    expect(routes.match("noise/9")).toEqual([]);
  });

  it.each(["", "a/b+", "a/#/b", "a#", "$SYS/x", "a\0b", "x".repeat(513)])(
    "refuses %j in the configuration",
    (filter) => {
      expect(topicFilter.safeParse(filter).success).toBe(false);
    },
  );
});
