import { createHash } from "node:crypto";

import { silentLogger } from "@frostlight/kernel";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { hatMissing, openBench } from "../../gateway/src/cameras/teaching/testing/teaching-fixture.ts";
import { createLocalServer, localOptions } from "../../gateway/src/local/index.ts";
import { exampleStatus } from "../../gateway/src/local/testing/example-status.ts";
import { missingFfmpeg, testFilm } from "../sims/test-film.ts";
import { complaintsOf, launchBrowser, missingBrowser } from "./browser.ts";
import { people, startConsoleServer } from "./console-server.ts";
import { siteId } from "./console-site.ts";

const seconds = 30;
/** Runs in the page. */
const seekInFilm = `async (video, to) => {
  const told = (event) =>
    new Promise((resolve, reject) => {
      video.addEventListener(event, resolve, { once: true });
      video.addEventListener("error", () => reject(new Error("the film cannot be played")), { once: true });
    });
  const ready = told("loadedmetadata");
  video.preload = "metadata";
  video.load();
  await ready;
  const sought = told("seeked");
  video.currentTime = to;
  await sought;
  return { at: video.currentTime, seekableTo: video.seekable.end(0), width: video.videoWidth };
}`;
const missing = missingBrowser() ?? missingFfmpeg();

describe.skipIf(missing !== undefined)("a finding's clip in Chromium", { timeout: 120_000 }, () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let film: Uint8Array;
  let sha256 = "";
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
    film = await testFilm(seconds);
    sha256 = createHash("sha256").update(film).digest("hex");
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  async function open(): Promise<readonly string[]> {
    context = await browser.newContext({ viewport: { width: 360, height: 740 }, locale: "zh-CN" });
    closing.push(() => context.close());
    page = await context.newPage();
    return complaintsOf(page);
  }

  /** Plays from the last seconds on, as somebody does who drags the knob there before the film has come. */
  async function seek(address: RegExp): Promise<readonly string[]> {
    const parts: string[] = [];
    page.on("response", (response) => {
      if (!address.test(response.url())) return;
      parts.push(`${response.status()} ${response.headers()["content-range"] ?? ""}`);
    });
    const shown = await page.evaluate(`(${seekInFilm})(document.querySelector("video"), ${seconds - 2})`);
    expect(shown).toEqual({ at: seconds - 2, seekableTo: seconds, width: 640 });
    return parts;
  }

  function expectParts(parts: readonly string[]): void {
    expect(film.length).toBeGreaterThan(4_000_000);
    for (const part of parts) expect(part).toMatch(new RegExp(`^206 bytes \\d+-${film.length - 1}/${film.length}$`));
    // The end was fetched by itself, not after all that lies before it.
    expect(parts.some((part) => Number(/bytes (\d+)-/.exec(part)?.[1]) > film.length / 2)).toBe(true);
  }

  it("is sought in at the console", async () => {
    const server = await startConsoleServer();
    closing.push(() => server.close());
    const [finding] = server.state.findingList;
    if (finding === undefined) throw new Error("no finding");
    const clip = { sha256, mediaType: "video/mp4", sizeBytes: film.length, role: "clip" } as const;
    server.state.findingList[0] = { ...finding, evidence: [...finding.evidence, clip] };
    const { organisationId } = finding;
    server.state.files.set(sha256, { organisationId, data: film, info: { ...clip, siteId, storedMs: Date.now() } });
    const complaints = await open();
    await page.goto(server.url);
    await page.fill("[name=name]", people.operator);
    await page.fill("[name=password]", people.password);
    await page.click("button[type=submit]");
    await page.waitForSelector(".row");
    await page.goto(`${server.url}/#/findings/${finding.findingId}`);
    await page.locator("video").waitFor();
    expectParts(await seek(/\/evidence\//));
    expect(complaints).toEqual([]);
  });

  it("is sought in at the gateway's own page", async () => {
    const bench = await openBench();
    closing.push(() => bench.close());
    bench.evidence.set(sha256, Buffer.from(film));
    const finding = hatMissing("f-1", "e".repeat(64));
    const clip = { sha256, mediaType: "video/mp4", sizeBytes: film.length, role: "clip" } as const;
    bench.teaching.note({ ...finding, evidence: [clip] });
    const server = createLocalServer({
      options: localOptions.parse({ port: 0 }),
      status: () => exampleStatus(bench.clock.nowMs(), true),
      act: () => ({ kind: "done", events: [] }),
      approve: () => Promise.resolve({ kind: "done" }),
      forgetRoom: () => Promise.resolve(true),
      addPoint: () => Promise.resolve({ kind: "done" }),
      teaching: bench.teaching,
      logger: silentLogger,
    });
    await server.start();
    closing.push(() => server.stop());
    const complaints = await open();
    await page.goto(`http://127.0.0.1:${server.port()}/teach.html`);
    await page.locator("video").waitFor();
    expectParts(await seek(/clip\.mp4/));
    expect(complaints).toEqual([]);
  });
});
