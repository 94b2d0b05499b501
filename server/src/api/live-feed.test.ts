import { FakeClock } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import { LiveBus } from "../core/live.ts";
import { LiveFeed } from "./live-feed.ts";
import { sampleOf } from "./testing/memory-state.ts";

function feedBench() {
  const clock = new FakeClock();
  const live = new LiveBus();
  const feed = new LiveFeed(live, clock, "run1");
  feed.start();
  const client = (organisationId: string, accepts: () => boolean = () => true) => {
    const texts: string[] = [];
    return {
      texts,
      names: () => texts.map((text) => /^event: (\w+)/.exec(text)?.[1]),
      scope: { organisationId },
      send: (text: string) => {
        if (!accepts()) return false;
        texts.push(text);
        return true;
      },
    };
  };
  const gateway = (organisationId: string) => {
    live.publish({ kind: "gateway", organisationId, siteId: "s", gatewayId: "g", connected: true });
  };
  return { clock, live, feed, client, gateway };
}

describe("the live feed", () => {
  it("sends only the newest sample of each point of a quarter of a second", async () => {
    const { clock, live, feed, client } = feedBench();
    const screen = client("a");
    feed.attach(screen, undefined);
    for (const value of [1, 2, 3]) {
      const samples = [sampleOf({ pointId: "p", timeMs: value, value })];
      live.publish({ kind: "samples", organisationId: "a", siteId: "s", samples });
    }
    await clock.advance(250);
    expect(screen.names()).toEqual(["hello", "samples"]);
    expect(screen.texts[1]).toContain('"value":3');
    expect(screen.texts[1]).not.toContain('"value":2');
  });

  it("shows an organisation nothing of another", async () => {
    const { clock, live, feed, client, gateway } = feedBench();
    const screen = client("b");
    feed.attach(screen, undefined);
    live.publish({
      kind: "samples",
      organisationId: "a",
      siteId: "s",
      samples: [sampleOf({ pointId: "p", timeMs: 1, value: 1 })],
    });
    gateway("a");
    await clock.advance(1000);
    expect(screen.names()).toEqual(["hello"]);
  });

  it("gives a client that comes back what it missed, of its own organisation only", () => {
    const { feed, client, gateway } = feedBench();
    const first = client("a");
    const detach = feed.attach(first, undefined);
    gateway("a");
    const seen = /id: (\S+)/.exec(first.texts[1] ?? "")?.[1];
    detach();
    gateway("a");
    gateway("b");
    gateway("a");
    const second = client("a");
    feed.attach(second, seen);
    expect(second.names()).toEqual(["gateway", "gateway", "hello"]);
  });

  it("tells a client to load anew when what it missed is forgotten or from another run", () => {
    const { feed, client, gateway } = feedBench();
    for (let event = 0; event < 2100; event += 1) gateway("a");
    for (const lastEventId of ["run1-5", "run0-2100", "nonsense", "run1-9999"]) {
      const screen = client("a");
      feed.attach(screen, lastEventId);
      expect(screen.names(), lastEventId).toEqual(["reset", "hello"]);
    }
  });

  it("lets a client go that does not keep up, and goes on with the others", () => {
    const { feed, client, gateway } = feedBench();
    let calls = 0;
    const slow = client("a", () => (calls += 1) < 3);
    const quick = client("a");
    feed.attach(slow, undefined);
    feed.attach(quick, undefined);
    for (let event = 0; event < 5; event += 1) gateway("a");
    expect(feed.clients).toBe(1);
    expect(quick.texts).toHaveLength(6);
    expect(slow.texts).toHaveLength(2);
  });
});
