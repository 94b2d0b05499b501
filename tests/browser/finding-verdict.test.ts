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
});
