import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { complaintsOf, launchBrowser, missingBrowser } from "./browser.ts";
import { type ConsoleServer, people, startConsoleServer } from "./console-server.ts";

let browser: Browser;
let server: ConsoleServer;
let context: BrowserContext;
let page: Page;
let complaints: readonly string[];

describe.skipIf(missingBrowser() !== undefined)("a finding's page", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    server = await startConsoleServer();
    context = await browser.newContext({ viewport: { width: 360, height: 740 }, locale: "zh-CN" });
    page = await context.newPage();
    complaints = complaintsOf(page);
    await page.goto(server.url);
    await page.fill("[name=name]", people.operator);
    await page.fill("[name=password]", people.password);
    await page.click("button[type=submit]");
    await page.waitForSelector(".row");
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  /** For people who look at it: `SCREENSHOTS=<folder>`. */
  async function shoot(name: string): Promise<void> {
    const folder = process.env["SCREENSHOTS"];
    if (folder === undefined) return;
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true });
    }
  }

  const sent = () => server.state.commands.map(({ command }) => command.action);

  it("takes a verdict by touch and by keys, shows it on its way, and then as the gateway has it", async () => {
    await page.goto(`${server.url}/#/findings/finding-0`);
    await page.fill(".verdict input", "送货员");
    await page.getByRole("button", { name: "误报" }).click();
    await page.getByText("误报（在途）").waitFor();
    await page.locator("h1").click();
    await page.keyboard.press("3");
    await page.getByText("无法判断（在途）").waitFor();
    expect(sent()).toMatchObject([
      { kind: "judge-finding", findingId: "finding-0", verdict: "false", comment: "送货员" },
      { kind: "judge-finding", findingId: "finding-0", verdict: "unclear", comment: "" },
    ]);
    const timeMs = Date.now();
    server.state.verdicts.set("finding-0", { verdict: "unclear", actor: "olga", comment: "太暗", timeMs });
    await page.getByText("太暗").waitFor();
    expect(complaints).toEqual([]);
  });

  it("teaches a gateway with a taught finding's picture, and shows what it recorded", async () => {
    const [finding] = server.state.findingList;
    if (finding === undefined) throw new Error("no finding");
    const evidence = finding.evidence.map((reference) => ({ ...reference, role: "original" as const }));
    server.state.findingList[0] = { ...finding, ruleKind: "taught", evidence };
    const record = { subject: "taught:hat", what: "teaching", before: "", after: "厨师帽 / Hat, head, prep" } as const;
    const made = { author: "olga", reason: "", timeMs: Date.now(), commandId: null, siteId: finding.siteId };
    server.state.gatewayFiles.set(finding.gatewayId, { changes: [{ ...record, ...made }] });
    await page.goto(`${server.url}/#/findings/${finding.findingId}`);
    await page.getByText("厨师帽 / Hat").waitFor();
    await page.getByRole("button", { name: "是，有" }).click();
    await page.getByText("hat: 标记截图").waitFor();
    await page.getByRole("button", { name: "现在学习" }).click();
    await page.getByText("hat: 现在学习").waitFor();
    const steps = sent().map((action) => (action.kind === "teach" ? JSON.parse(action.requestJson) : action));
    const [box] = finding.boxes;
    expect(steps).toMatchObject([
      { kind: "mark", thing: "hat", answer: "yes", region: { left: box?.left, bottom: box?.bottom } },
      { kind: "fit", thing: "hat" },
    ]);
    expect(complaints).toEqual([]);
  });

  it("shows the crops that were marked and the worst mistakes, from the pictures the server has", async () => {
    const [finding] = server.state.findingList;
    const [reference] = finding?.evidence ?? [];
    const [box] = finding?.boxes ?? [];
    if (finding === undefined || reference === undefined || box === undefined) throw new Error("no finding");
    const original = { ...reference, role: "original" } as const;
    server.state.findingList[0] = { ...finding, ruleKind: "taught", evidence: [original] };
    const timeMs = Date.now() - 3_600_000;
    const commandIds = ["aaaaaaaaaaaa", "bbbbbbbbbbbb"].map((crop, index) => {
      const commandId = `mark-${crop}`;
      const region = index === 0 ? { left: 0.05, top: 0.6, right: 0.25, bottom: 0.9 } : box;
      const picture = { kind: "evidence", cameraId: finding.cameraId, sha256: original.sha256 };
      const step = { kind: "mark", thing: "hat", picture, region, answer: index === 0 ? "yes" : "no" };
      const action = { kind: "teach", requestJson: JSON.stringify(step) } as const;
      const command = { commandId, actor: "olga", issuedAtMs: timeMs, action };
      const { organisationId, siteId, gatewayId } = finding;
      server.state.commands.push({ organisationId, siteId, gatewayId, command });
      return commandId;
    });
    const record = { subject: "taught:hat", what: "teaching", before: "", author: "olga", reason: "", timeMs } as const;
    const of = (after: string, commandId: string | null = null) => ({
      ...record,
      after,
      commandId,
      siteId: finding.siteId,
    });
    const changes = [
      of("version 1 (2 yes, 1 no, AUROC 0.875, accuracy 0.800) fitted, most wrong: bbbbbbbbbbbb, cccccccccccc"),
      of("2 yes, 1 no: cccccccccccc is yes"),
      of("1 yes, 1 no: bbbbbbbbbbbb is no", commandIds[1] ?? null),
      of("1 yes, 0 no: aaaaaaaaaaaa is yes", commandIds[0] ?? null),
    ];
    server.state.gatewayFiles.set(finding.gatewayId, { changes });
    await page.goto(`${server.url}/#/findings/${finding.findingId}`);
    const tiles = page.locator(".teach-tiles");
    await tiles.first().waitFor();
    expect(await tiles.first().locator("li").allTextContents()).toMatchObject([
      expect.stringContaining("学习后判断相反"),
      expect.stringContaining("截图只在网关cccccccccccc"),
    ]);
    const crops = tiles.last().locator("img");
    expect(await crops.count()).toBe(2);
    await crops.last().scrollIntoViewIfNeeded();
    await expect
      .poll(() => crops.evaluateAll((all) => all.every((one) => Reflect.get(one, "naturalWidth") > 0)))
      .toBe(true);
    // Each picture is shown by nothing but its region.
    const shown = await page.evaluate(`[...document.querySelectorAll(".teach-tiles img")].map((image) => {
      const [whole, tile] = [image.getBoundingClientRect(), image.parentElement.getBoundingClientRect()];
      return (tile.left + tile.width / 2 - whole.left) / whole.width;
    })`);
    const person = expect.closeTo((box.left + box.right) / 2, 2);
    expect(shown).toEqual([person, person, expect.closeTo(0.15, 2)]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    expect(complaints).toEqual([]);
    await shoot("teach-marks");
  });
});
