import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { complaintsOf, launchBrowser, missingBrowser } from "./browser.ts";
import { type ConsoleServer, people, startConsoleServer } from "./console-server.ts";

const sizes = [
  { name: "a phone", width: 360, height: 740, locale: "zh-CN", colorScheme: "light" },
  { name: "a desk", width: 1280, height: 800, locale: "en-US", colorScheme: "dark" },
] as const;

const generalPages = [
  "#/",
  "#/?state=critical",
  "#/site/school-12/zone/freezer-2?range=6h",
  "#/site/school-12/zone/freezer-1?range=24h",
  "#/cameras",
  "#/findings/finding-0",
  "#/me",
  "#/gateway/gw-7f3a",
  "#/nowhere",
];

const alarmPages = [
  "#/alarms",
  "#/alarms?show=all",
  "#/alarms/alarm-freezer-3-1",
  "#/alarms/alarm-freezer-2-1",
  "#/alarms/alarm-freezer-2-rise",
  "#/alarm-health",
  "#/alarm-health?days=7",
  "#/site/school-12/zone/prep",
];

async function signIn(url: string, name: string = people.operator): Promise<void> {
  await page.goto(url);
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", people.password);
  await page.click("button[type=submit]");
  await page.waitForSelector(".row");
}

const controls =
  "button, .button, .place, .count-door, .row, .alarm-line, .actor, select, input:not([type=hidden]):not([type=checkbox])";

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** Serious and critical findings of axe on the page as it is. */
async function seriousViolations(): Promise<string[]> {
  // Evaluated by the debugging protocol, so that the page's own policy stays strict.
  await page.evaluate(axe.source);
  const violations = await page.evaluate<Violation[]>("axe.run().then((result) => result.violations)");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

let browser: Browser;
let server: ConsoleServer;
let context: BrowserContext;
let page: Page;
let complaints: readonly string[];

async function open(size: (typeof sizes)[number]): Promise<void> {
  server = await startConsoleServer();
  const { width, height, locale, colorScheme } = size;
  context = await browser.newContext({ viewport: { width, height }, locale, colorScheme, reducedMotion: "reduce" });
  page = await context.newPage();
  complaints = complaintsOf(page);
}

async function close(): Promise<void> {
  await context.close();
  await server.close();
}

beforeAll(async () => {
  if (missingBrowser() === undefined) browser = await launchBrowser();
});

afterAll(async () => {
  if (missingBrowser() === undefined) await browser.close();
});

describe.skipIf(missingBrowser() !== undefined).each(sizes)("the console on $name", (size) => {
  beforeEach(() => open(size));
  afterEach(close);

  it("shows the worst room first after signing in, and says that the data is simulated", async () => {
    await signIn(server.url);
    const states = await page.locator(".row").evaluateAll((rows) => rows.map((row) => row.className));
    expect(states.map((name) => name.replace("row is-", ""))).toEqual([
      "critical",
      "high",
      "warning",
      "unknown",
      "normal",
      "normal",
    ]);
    expect(await page.locator(".badge.is-simulated").textContent()).toMatch(/模拟数据|Simulated data/);
    expect(complaints).toEqual([]);
  });

  it("moves a value when the site sends a new one, without loading anew", async () => {
    await signIn(server.url);
    const value = page.locator('.row[href*="zone/prep"] .value-number');
    await page.waitForSelector('[data-link="live"]');
    server.publish("prep/air", 21.7);
    await value.getByText("21.7").waitFor({ timeout: 5000 });
    server.publish("prep/air", 21.9);
    await value.getByText("21.9").waitFor({ timeout: 5000 });
    expect(complaints).toEqual([]);
  });

  it("draws the course of a room with its limit, and keeps the chosen range in the address", async () => {
    await signIn(server.url);
    await page.click('.row[href*="zone/freezer-2"]');
    await page.waitForSelector(".chart canvas");
    await page.locator(".readout-value strong").getByText("°C").waitFor();
    const colours = await page.evaluate<number>(`(() => {
      const canvas = document.querySelector(".chart canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`);
    expect(colours).toBeGreaterThan(20);
    await page.getByRole("button", { name: "24h" }).click();
    expect(page.url()).toContain("range=24h");
    await page.reload();
    await page.waitForSelector(".chart canvas");
    expect(await page.getByRole("button", { name: "24h" }).getAttribute("aria-pressed")).toBe("true");
    expect(complaints).toEqual([]);
  });

  it("acknowledges in two steps: requested, then confirmed by the gateway's own event", async () => {
    await signIn(server.url);
    await page.goto(`${server.url}/#/alarms`);
    const card = page.locator(".alarm-card.is-high");
    await card.locator("input").fill("door gasket");
    await card.locator("button[type=submit]").click();
    await card.locator(".alarm-requested").waitFor();
    expect(server.state.commands[0]?.command).toMatchObject({
      actor: people.operator,
      action: { alarmId: "alarm-freezer-2-1", comment: "door gasket" },
    });
    server.confirmCommands();
    await card.locator(".alarm-known").waitFor({ timeout: 5000 });
    expect(await card.locator(".alarm-requested").count()).toBe(0);
    await card.locator('a[href*="alarms/"]').click();
    await page.locator(".life-step").getByText("door gasket").waitFor();
    expect(complaints).toEqual([]);
  });

  it("shows the picture of a finding with its box, and why it was created", async () => {
    await signIn(server.url);
    await page.goto(`${server.url}/#/cameras`);
    await page.click(".tile-newest");
    await page.locator(".finding-picture img").waitFor();
    const picture = 'document.querySelector(".finding-picture img")';
    expect(await page.evaluate<number>(`${picture}.decode().then(() => ${picture}.naturalWidth)`)).toBe(960);
    expect(await page.locator(".finding-picture .box").count()).toBe(1);
    expect(await page.locator(".facts").textContent()).toContain("person-centernet");
    expect(complaints).toEqual([]);
  });

  it.each([
    ["on signing in", []],
    ["on general pages", generalPages],
    ["on pages of alarms", alarmPages],
  ])("has no serious accessibility violation, no complaint and no sideways scroll %s", async (_, pages) => {
    await page.goto(server.url);
    await page.waitForSelector("[name=name]");
    const found: string[] = pages.length > 0 ? [] : await seriousViolations();
    await signIn(server.url, "admin");
    for (const hash of pages) {
      await page.goto(`${server.url}/${hash}`);
      await page.locator(".skeletons").first().waitFor({ state: "detached" });
      await page.waitForLoadState("networkidle").catch(() => undefined);
      const beyond = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      if (beyond > 0) found.push(`${hash}: ${beyond} px wider than the screen`);
      found.push(...(await seriousViolations()).map((violation) => `${hash} ${violation}`));
    }
    expect(found).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it("offers no control smaller than 44 px in its main actions", async () => {
    await signIn(server.url, "admin");
    const small: string[] = [];
    for (const hash of [...generalPages, ...alarmPages]) {
      await page.goto(`${server.url}/${hash}`);
      await page.locator(".skeletons").first().waitFor({ state: "detached" });
      const found = await page.evaluate<string[]>(`
        [...document.querySelectorAll(${JSON.stringify(controls)})]
          .map((element) => ({ html: element.outerHTML.slice(0, 90), box: element.getBoundingClientRect() }))
          .filter(({ box }) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
          .map(({ html, box }) => box.width + " x " + box.height + " " + html)
      `);
      small.push(...found.map((entry) => `${hash} ${entry}`));
    }
    expect(small).toEqual([]);
  });
});

describe.skipIf(missingBrowser() !== undefined)("the console", () => {
  beforeEach(() => open(sizes[1]));
  afterEach(close);

  it("filters by one touch on a count", async () => {
    await signIn(server.url);
    await page.click(".count-door.is-high");
    await page.locator(".row").nth(1).waitFor({ state: "detached" });
    expect(page.url()).toContain("state=high");
    expect(await page.locator(".row").getAttribute("href")).toContain("freezer-2");
  });

  it("makes an unknown room normal again when its value comes back", async () => {
    await signIn(server.url);
    await page.locator('.row.is-unknown[href*="zone/samples"]').waitFor();
    server.publish("samples/air", 4.4);
    await page.locator('.row.is-normal[href*="zone/samples"]').waitFor({ timeout: 15_000 });
    expect(await page.locator(".count-door.is-unknown strong").textContent()).toBe("0");
  });

  it("keeps a note that was typed while live events redraw the page", async () => {
    await signIn(server.url);
    await page.goto(`${server.url}/#/alarms`);
    const input = page.locator(".alarm-card.is-high input");
    await input.fill("half a sen");
    server.publish("freezer-2/air", -14.9);
    await page.goto(`${server.url}/#/cameras`);
    await page.waitForSelector(".tile");
    await page.goto(`${server.url}/#/alarms`);
    expect(await input.inputValue()).toBe("half a sen");
  });

  it("lets a viewer look but gives no button", async () => {
    await signIn(server.url, "vera");
    await page.goto(`${server.url}/#/alarms`);
    await page.waitForSelector(".alarm-card");
    expect(await page.locator(".acknowledge").count()).toBe(0);
  });

  it("says when the server is gone and goes on by itself when it is back", async () => {
    await signIn(server.url);
    const { port } = server;
    await server.close();
    await page.locator(".strip-line.is-link").waitFor({ timeout: 15_000 });
    expect(await page.locator(".row").count()).toBe(6);
    server = await startConsoleServer(port);
    // The new process has new sessions: the console asks to sign in instead of showing old values as new.
    await page.locator("[name=password]").waitFor({ timeout: 20_000 });
  });
});
