import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { complaintsOf, launchBrowser, missingBrowser } from "./browser.ts";
import { type ConsoleServer, people, startConsoleServer } from "./console-server.ts";
import { siteId } from "./console-site.ts";

const sizes = [
  { name: "a phone", width: 360, height: 740, locale: "zh-CN", colorScheme: "dark" },
  { name: "a desk", width: 1280, height: 800, locale: "en-US", colorScheme: "light" },
] as const;

let browser: Browser;
let server: ConsoleServer;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  if (missingBrowser() === undefined) browser = await launchBrowser();
});

afterAll(async () => {
  if (missingBrowser() === undefined) await browser.close();
});

describe.skipIf(missingBrowser() !== undefined).each(sizes)("a room's cameras in the console on $name", (size) => {
  beforeEach(async () => {
    server = await startConsoleServer();
    const { width, height, locale, colorScheme } = size;
    context = await browser.newContext({ viewport: { width, height }, locale, colorScheme, reducedMotion: "reduce" });
    page = await context.newPage();
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  it("show thirty days of operating hours in bars and words, and faults with pictures of before and after", async () => {
    const complaints = complaintsOf(page);
    await page.goto(server.url);
    await page.fill("[name=name]", people.operator);
    await page.fill("[name=password]", people.password);
    await page.click("button[type=submit]");
    await page.waitForSelector(".row");
    await page.goto(`${server.url}/#/site/${siteId}/zone/prep`);
    const course = page.locator(".camera-course");
    await course.locator(".camera-days").waitFor();
    expect(await course.locator(".camera-days g").count()).toBe(30);
    // Sundays: no operating hours, and no bar that looks healthy.
    expect(await course.locator(".camera-days g:has(.is-closed)").count()).toBeGreaterThanOrEqual(4);
    expect(await course.locator(".camera-days g:has(.is-closed) .is-healthy").count()).toBe(0);
    expect(await course.textContent()).toMatch(/近 30 天应运行时段内正常 \d|In order for \d.* of its operating hours/);
    expect(await course.textContent()).toMatch(/情况不明|unknown/);
    await course.locator("summary").click();
    const pictures = course.locator(".camera-pictures img");
    expect(await pictures.count()).toBe(2);
    await pictures.last().scrollIntoViewIfNeeded();
    await expect
      .poll(() => pictures.evaluateAll((all) => all.map((one) => Reflect.get(one, "naturalWidth") > 0)))
      .toEqual([true, true]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("are told to learn anew what was changed on purpose, with a reason, by those who may", async () => {
    const complaints = complaintsOf(page);
    await page.goto(server.url);
    await page.fill("[name=name]", "admin");
    await page.fill("[name=password]", people.password);
    await page.click("button[type=submit]");
    await page.waitForSelector(".row");
    await page.goto(`${server.url}/#/site/${siteId}/zone/prep`);
    const box = page.locator(".camera-learning");
    await box.getByRole("button", { name: /重新学习|Learn anew/ }).click();
    await box.locator("select").selectOption("scene");
    await box.locator("input").fill("a new shelf");
    await shoot("learn-anew-form");
    await box.locator("button[type=submit]").click();
    await box.getByText("a new shelf").waitFor();
    expect(await box.textContent()).toMatch(/平时的场景.*在途|usual scene.*on its way/i);
    const [sent] = server.state.commands;
    expect(sent?.command.action).toMatchObject({ kind: "teach" });
    if (sent?.command.action.kind !== "teach") throw new Error("nothing was sent");
    expect(JSON.parse(sent.command.action.requestJson)).toMatchObject({ kind: "learn-anew", what: "scene" });
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    await shoot("learn-anew-asked");
    expect(complaints).toEqual([]);
  });

  /** For people who look at it: `SCREENSHOTS=<folder>`. */
  async function shoot(name: string): Promise<void> {
    const folder = process.env["SCREENSHOTS"];
    if (folder === undefined) return;
    await page.locator(".camera-learning").scrollIntoViewIfNeeded();
    await page.screenshot({ path: `${folder}/${name}-${size.width}.png` });
  }
});
