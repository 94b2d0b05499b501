import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { complaintsOf, launchBrowser, missingBrowser } from "./browser.ts";
import { type ConsoleServer, people, startConsoleServer } from "./console-server.ts";

const sizes = [
  { name: "a phone", width: 360, height: 740, locale: "zh-CN", colorScheme: "light" },
  { name: "a desk", width: 1280, height: 800, locale: "en-US", colorScheme: "dark" },
] as const;

let browser: Browser;
let server: ConsoleServer;
let context: BrowserContext;
let page: Page;
let complaints: readonly string[];

async function signIn(hash: string, name: string = people.operator): Promise<void> {
  await page.goto(server.url);
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", people.password);
  await page.click("button[type=submit]");
  await page.waitForSelector(".row");
  await page.goto(`${server.url}/${hash}`);
}

beforeAll(async () => {
  if (missingBrowser() === undefined) browser = await launchBrowser();
});

afterAll(async () => {
  if (missingBrowser() === undefined) await browser.close();
});

describe.skipIf(missingBrowser() !== undefined).each(sizes)("alarms in the console on $name", (size) => {
  beforeEach(async () => {
    server = await startConsoleServer();
    const { width, height, locale, colorScheme } = size;
    context = await browser.newContext({ viewport: { width, height }, locale, colorScheme, reducedMotion: "reduce" });
    page = await context.newPage();
    complaints = complaintsOf(page);
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  it("show one failure of a room as one incident, with the first-out named and its parts as lines", async () => {
    await signIn("#/alarms");
    const incident = page.locator(".incident");
    await incident.waitFor();
    expect(await incident.count()).toBe(1);
    expect(await incident.locator(".incident-head").textContent()).toMatch(/预计将超限|Will cross the limit/);
    expect(await incident.locator(".alarm-card.is-high").count()).toBe(1);
    expect(await incident.locator(".alarm-line").count()).toBe(2);
    await incident.locator(".alarm-line").last().click();
    await page.locator(".life-step").first().waitFor();
    expect(page.url()).toContain("alarm-freezer-2-rise");
    expect(complaints).toEqual([]);
  });

  it("explain themselves in full: surroundings, estimated goods, what would clear them, rule and source", async () => {
    await signIn("#/alarms/alarm-freezer-2-1");
    const facts = page.locator(".facts");
    await facts.waitFor();
    const text = (await facts.textContent()) ?? "";
    for (const said of [
      /压缩机已停 92|compressor has been off for 92/,
      /−18\.6 ± 1\.2/,
      /估算值|an estimate/,
      /−19\.0/,
    ]) {
      expect(text).toMatch(said);
    }
    expect(text).toContain("GB/T 24616");
    expect(text).toContain("freezer-2-high");
    expect(await page.locator(".estimate strong").textContent()).toContain("±");
    expect(complaints).toEqual([]);
  });

  it("are shelved with a reason and an end; it is asked first, and counts when the gateway's event is back", async () => {
    await signIn("#/alarms/alarm-freezer-2-1");
    await page.locator(".acts-buttons button").nth(1).click();
    const form = page.locator(".acts form");
    await form.locator(".segments button").nth(1).click();
    await form.locator("[name=oneShot]").check();
    await form.locator("button[type=submit]").click();
    expect(server.state.commands).toEqual([]);
    await form.locator("input.input").fill("repairer is here");
    await form.locator("button[type=submit]").click();
    await page.locator(".alarm-requested").waitFor();
    const asked = server.state.commands[0]?.command;
    expect(asked).toMatchObject({
      actor: people.operator,
      action: { kind: "shelve-alarm", oneShot: true, reason: "repairer is here" },
    });
    server.confirmCommands();
    const aside = page.locator(".alarm-aside");
    await aside.waitFor({ timeout: 5_000 });
    expect(await aside.textContent()).toContain("repairer is here");
    expect(await page.locator(".state-tag.is-aside").first().textContent()).toMatch(/已搁置|Shelved/);
    await page.locator(".life-step").getByText("repairer is here").waitFor();
    expect(complaints).toEqual([]);
  });

  it("that are critical are shelved for an hour at most, only explicitly, and stay in the strip at the top", async () => {
    await signIn("#/alarms/alarm-freezer-3-1");
    await page.locator(".acts-buttons button").nth(1).click();
    const form = page.locator(".acts form");
    expect(await form.locator(".segments button").count()).toBe(3);
    await form.locator("input.input").fill("compressor being replaced");
    await form.locator("button[type=submit]").click();
    expect(server.state.commands).toEqual([]);
    await form.locator("[name=acceptCritical]").check();
    await form.locator("button[type=submit]").click();
    await page.locator(".alarm-requested").waitFor();
    server.confirmCommands();
    await page.locator(".alarm-aside").waitFor({ timeout: 5_000 });
    expect(await page.locator(".strip-line.is-critical").count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  it("take “action done” as a step of its own, with a note", async () => {
    await signIn("#/alarms/alarm-freezer-3-1");
    await page.locator(".acts-buttons button").first().click();
    const form = page.locator(".acts form");
    await form.locator("input.input").fill("fan replaced");
    await form.locator("button[type=submit]").click();
    await page.locator(".alarm-requested").waitFor();
    server.confirmCommands();
    await page.locator(".alarm-known").nth(1).waitFor({ timeout: 5_000 });
    await page.locator(".life-step").getByText("fan replaced").waitFor();
    expect(complaints).toEqual([]);
  });

  it("say what the gateway refused and why", async () => {
    await signIn("#/alarms/alarm-freezer-2-rise");
    await page.locator(".alarm-refused").waitFor();
    expect(await page.locator(".alarm-refused").textContent()).toMatch(/已被搁置或停用|put aside already/);
  });

  it("judge the alarm system itself: rate, floods, the worst actor with its fix, and the gateway's own word", async () => {
    await signIn("#/alarms");
    await page.click('a[href="#/alarm-health"]');
    await page.locator(".measures").waitFor();
    expect(await page.locator(".bad-actor").first().textContent()).toMatch(/备餐间|Preparation room/);
    expect(await page.locator(".advice").first().textContent()).toMatch(/探头|probe/);
    expect(await page.locator(".health-flood").count()).toBe(1);
    expect(await page.locator(".health-gateway").textContent()).toMatch(/网关自评|own judgement/);
    await page.locator(".segments a").nth(1).click();
    await page.waitForURL(/days=7/);
    await page.locator(".measures").waitFor();
    expect(complaints).toEqual([]);
  });

  it("of a room out of service are shown so, and an operator gets no button to change it", async () => {
    await signIn("#/site/school-12/zone/prep");
    const service = page.locator(".service");
    await service.waitFor();
    expect(await page.locator(".page-head .is-aside").count()).toBe(1);
    expect(await service.locator("button").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("let an administrator take a point out of service for calibration, with a reason and an end", async () => {
    await signIn("#/site/school-12/zone/freezer-1", "admin");
    const service = page.locator(".service");
    await service.locator("button").click();
    await service.locator("[name=target]").selectOption({ index: 1 });
    await service.locator("[name=purpose]").selectOption("calibration");
    await service.locator("[name=hours]").selectOption("4");
    await service.locator("input.input").fill("ice bath");
    await service.locator("button[type=submit]").click();
    await service.locator(".form-done").waitFor();
    expect(server.state.commands[0]?.command).toMatchObject({
      actor: "admin",
      action: {
        kind: "set-service",
        target: { pointId: "freezer-1/air" },
        inService: false,
        reason: "calibration: ice bath",
      },
    });
    expect(complaints).toEqual([]);
  });
});
