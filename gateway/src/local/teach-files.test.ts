import { silentLogger } from "@frostlight/kernel";
import { afterEach, describe, expect, it } from "vitest";

import type { TeachDesk } from "../core/teaching.ts";
import { localOptions } from "./options.ts";
import { createLocalServer, type LocalServer } from "./server.ts";
import { exampleStatus } from "./testing/example-status.ts";

const clip = Uint8Array.from({ length: 100 }, (_, index) => index);
const sha256 = "c".repeat(64);
let server: LocalServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** A desk that knows one clip, one picture and one frame. */
const desk: TeachDesk = {
  teach: () => Promise.resolve({ kind: "done" }),
  judge: () => Promise.resolve({ kind: "done" }),
  things: () => [],
  findings: () => [],
  frames: () => [],
  frame: () => clip,
  persons: () => Promise.resolve(undefined),
  crop: () => Promise.resolve(undefined),
  picture: (wanted) => Promise.resolve(wanted === sha256 ? clip : undefined),
  clip: (wanted) => Promise.resolve(wanted === sha256 ? clip : undefined),
  export: () => Promise.resolve(undefined),
  import: () => Promise.resolve({ kind: "done" }),
};

async function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") {
  if (server === undefined) {
    server = createLocalServer({
      options: localOptions.parse({ port: 0 }),
      status: () => exampleStatus(Date.UTC(2026, 10, 22, 3, 10), false),
      act: () => ({ kind: "done", events: [] }),
      approve: () => Promise.resolve({ kind: "done" }),
      forgetRoom: () => Promise.resolve(true),
      addPoint: () => Promise.resolve({ kind: "done" }),
      teaching: desk,
      logger: silentLogger,
    });
    await server.start();
  }
  const answer = await fetch(`http://127.0.0.1:${server.port()}${path}`, { headers, method });
  return { status: answer.status, headers: answer.headers, body: new Uint8Array(await answer.arrayBuffer()) };
}

const address = `/teach/clip.mp4?sha256=${sha256}`;

describe("a clip on the local page", () => {
  it("may be kept by the one who asked, and comes whole or in the part that was asked for", async () => {
    const all = await ask(address);
    expect([all.status, all.headers.get("content-type"), all.body]).toEqual([200, "video/mp4", clip]);
    expect(all.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    expect(all.headers.get("accept-ranges")).toBe("bytes");
    const part = await ask(address, { range: "bytes=90-" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 90-99/100"]);
    expect(part.body).toEqual(clip.slice(90));
    const etag = all.headers.get("etag") ?? "";
    expect((await ask(address, { "if-none-match": etag })).status).toBe(304);
    expect((await ask(address, { range: "bytes=0-1", "if-range": etag })).status).toBe(206);
    expect((await ask(address, { range: "bytes=0-1", "if-range": '"other"' })).status).toBe(200);
    const head = await ask(address, { range: "bytes=0-1" }, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "100"]);
  });

  it.each(["bytes=100-", "bytes=0-1,5-6"])("answers %s with how large it is", async (range) => {
    const answer = await ask(address, { range });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([416, "bytes */100"]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("is shown on the page itself only, and not when it is unknown", async () => {
    expect((await ask(address, { "sec-fetch-site": "cross-site", range: "bytes=0-1" })).status).toBe(403);
    expect((await ask(`/teach/clip.mp4?sha256=${"d".repeat(64)}`, { range: "bytes=0-1" })).status).toBe(404);
  });

  it("is kept as a picture is; what a camera shows just now is not", async () => {
    const picture = await ask(`/teach/picture.jpg?sha256=${sha256}`);
    expect(picture.headers.get("cache-control")).toContain("immutable");
    expect((await ask("/teach/frame.jpg?frame=1")).headers.get("cache-control")).toBe("no-store");
  });
});
