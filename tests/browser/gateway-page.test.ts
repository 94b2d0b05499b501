import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { complaintsOf, launchBrowser, missingBrowser } from "./browser.ts";
import { type ConsoleServer, people, startConsoleServer } from "./console-server.ts";

let browser: Browser;
let server: ConsoleServer;
let context: BrowserContext;
let page: Page;
let complaints: readonly string[];

describe.skipIf(missingBrowser() !== undefined)("a gateway's page", () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    server = await startConsoleServer();
    context = await browser.newContext({ viewport: { width: 360, height: 740 }, locale: "en-US" });
    page = await context.newPage();
    complaints = complaintsOf(page);
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  async function open(name: string): Promise<void> {
    await page.goto(server.url);
    await page.fill("[name=name]", name);
    await page.fill("[name=password]", people.password);
    await page.click("button[type=submit]");
    await page.waitForSelector(".row");
    await page.goto(`${server.url}/#/gateway/gw-7f3a`);
    await page.waitForSelector(".gateway-page");
  }

  it("sends an edited configuration only after its differences were shown and a reason given", async () => {
    await open("admin");
    await page.getByText("points.3.zone").waitFor();
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const editor = page.locator("textarea.editor");
    await editor.fill((await editor.inputValue()).replace("port: 1883", "port: 1884"));
    await page.getByRole("button", { name: "Show differences" }).click();
    expect(await page.locator(".diff-line.is-added").textContent()).toContain("port: 1884");
    expect(await page.locator(".diff-line.is-removed").textContent()).toContain("port: 1883");
    const form = page.locator("form", { hasText: "Send to the gateway" });
    await form.locator("input").fill("the old port is taken");
    await form.getByRole("button", { name: "Send to the gateway" }).click();
    await editor.waitFor({ state: "detached" });
    expect(server.state.commands[0]?.command.action).toMatchObject({
      kind: "apply-configuration",
      reason: "the old port is taken",
    });
    expect(complaints).toEqual([]);
  });

  it("keeps what was typed into the editor when the page is left", async () => {
    await open("admin");
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.locator("textarea.editor").fill("unfinished: 1");
    await page.goto(`${server.url}/#/me`);
    await page.waitForSelector(".me");
    await page.goto(`${server.url}/#/gateway/gw-7f3a`);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    expect(await page.locator("textarea.editor").inputValue()).toBe("unfinished: 1");
  });

  it("asks for a calibration and for an approval, each with a reason", async () => {
    await open("admin");
    await page.locator(".gateway-item .is-icon").first().click();
    const form = page.locator("form", { has: page.locator("[name=offset]") });
    await form.locator("[name=offset]").fill("-0.4");
    await form.locator("[name=due]").fill("2027-11-22");
    await form.locator("input").last().fill("ice bath");
    await form.getByRole("button", { name: "Ask the gateway" }).click();
    await page.getByText("It counts once").waitFor();
    expect(server.state.commands[0]?.command.action).toMatchObject({
      kind: "set-calibration",
      pointId: "freezer-1/air",
      calibration: { offset: -0.4, slope: 1, certificate: "2026-CAL-117", dueMs: Date.UTC(2027, 10, 22) },
      reason: "ice bath",
    });
    const card = page.locator(".card.is-wanted");
    await card.locator("input").fill("compared with the display");
    await card.getByRole("button", { name: /Approve/ }).click();
    await card.getByText("It counts once").waitFor();
    expect(server.state.commands[1]?.command.action).toMatchObject({
      kind: "approve-certificate",
      sourceId: "compressors",
      fingerprintSha256: "9f2c".repeat(16),
    });
    expect(complaints).toEqual([]);
  });

  it("takes a lost gateway's access away and says what it tries afterwards", async () => {
    await open("admin");
    await page.getByRole("button", { name: "Take access away" }).click();
    await page.getByRole("button", { name: "Yes, cut this gateway off now" }).click();
    await page.getByText("Access was taken away").waitFor();
    const [gateway] = server.state.gatewayList;
    expect(gateway?.revokedMs).not.toBeNull();
    if (gateway !== undefined)
      server.state.gatewayList[0] = { ...gateway, refusedAttempts: 7, lastRefusedMs: Date.now() };
    await page.reload();
    await page.getByText("tried to come back 7 times").waitFor();
    expect(complaints).toEqual([]);
  });

  it("shows a viewer everything and offers nothing to change", async () => {
    await open("vera");
    await page.getByText("points.3.zone").waitFor();
    expect(await page.locator(".gateway-page form, .gateway-page .is-danger, .gateway-page textarea").count()).toBe(0);
    expect(await page.locator(".gateway-page button").count()).toBe(0);
  });
});
