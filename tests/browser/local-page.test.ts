import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { silentLogger } from "@frostlight/kernel";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import type { ActOutcome } from "../../gateway/src/core/alarm-engine.ts";
import type { PointAdditionOutcome } from "../../gateway/src/core/point-addition.ts";
import { createLocalServer, localOptions } from "../../gateway/src/local/index.ts";
import { exampleStatus } from "../../gateway/src/local/testing/example-status.ts";

const executablePath = "/usr/bin/chromium";
const isMissing = !existsSync(executablePath) && process.env["CI"] !== "true";
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe.skipIf(isMissing)("the gateway's local page in Chromium", () => {
  let browser: Browser;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser.close();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function open(set: {
    readonly width: number;
    readonly locale?: string;
    readonly path?: string;
    readonly calm?: boolean;
    readonly outcome?: ActOutcome;
    readonly added?: PointAdditionOutcome;
    readonly dark?: boolean;
    /** Whether the browser has a Chinese voice; what it says is kept instead. */
    readonly voice?: boolean;
  }) {
    const asked: unknown[] = [];
    const server = createLocalServer({
      options: localOptions.parse({ port: 0 }),
      status: () => exampleStatus(Date.now(), set.calm ?? false),
      act: (request) => {
        asked.push(request);
        return set.outcome ?? { kind: "done", events: [] };
      },
      approve: (approval) => {
        asked.push(approval);
        return Promise.resolve({ kind: "done" });
      },
      forgetRoom: (request) => {
        asked.push(request);
        return Promise.resolve(true);
      },
      addPoint: (addition) => {
        asked.push(addition);
        return Promise.resolve(set.added ?? { kind: "done" });
      },
      logger: silentLogger,
    });
    await server.start();
    const context = await browser.newContext({
      viewport: { width: set.width, height: 800 },
      locale: set.locale ?? "zh-CN",
      colorScheme: set.dark === true ? "dark" : "light",
    });
    closing.push(
      () => context.close(),
      () => server.stop(),
    );
    const page = await context.newPage();
    if (set.voice !== undefined) await page.addInitScript(listening(set.voice));
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${server.port()}/${set.path ?? ""}`);
    await page.waitForSelector("#points li");
    return { page, asked, problems, server };
  }

  const overflow = (page: Page): Promise<boolean> =>
    page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");

  it.each([360, 1280])("fits %i px without scrolling sideways and without an error", async (width) => {
    const { page, problems } = await open({ width });
    expect(await overflow(page)).toBe(false);
    expect(problems).toEqual([]);
  });

  it("shows the worst first, each state with its word and shape", async () => {
    const { page } = await open({ width: 360 });
    const states = await page.locator("#points .state").allTextContents();
    expect([...new Set(states)]).toEqual(["■ 严重", "◆ 报警", "▲ 预警", "△ 越限", "◌ 未知", "● 正常"]);
    expect(await page.locator("#alarms .title").allTextContents()).toEqual([
      "HH 温度越限 · 3 号冷冻库 · 里侧探头",
      "无数据 · 热藏 · 汤桶",
      "H 温度越限 · 食堂冷藏柜 · 上层",
    ]);
    expect(await page.textContent("#strip")).toContain("1 个严重报警：3 号冷冻库");
  });

  it("never shows what is unknown as normal", async () => {
    const { page } = await open({ width: 1280 });
    const rows = page.locator("#points li.unknown");
    expect(await rows.count()).toBe(3);
    expect(await rows.locator(".state.normal").count()).toBe(0);
    expect(await rows.locator(".bar b").count()).toBe(0);
  });

  it("explains alarms in the browser's language, or the one asked for", async () => {
    const english = await open({ width: 1280, locale: "en-US" });
    expect(await english.page.locator("#alarms li").first().textContent()).toContain("at or above the limit of −12 °C");
    expect(await english.page.getAttribute("html", "lang")).toBe("en-GB");
    const asked = await open({ width: 1280, locale: "en-US", path: "?lang=zh" });
    expect(await asked.page.locator("#alarms li").first().textContent()).toContain("达到或超过上限 −12 °C");
  });

  it("filters by a touch on a count, and the address keeps it", async () => {
    const { page } = await open({ width: 360 });
    await page.click('#counts a[href="#unknown"]');
    await expect.poll(() => page.locator("#points li").count()).toBe(2);
    expect(page.url()).toMatch(/#unknown$/);
    await page.click('#counts a[aria-current="true"]');
    await expect.poll(() => page.locator("#points li").count()).toBe(10);
  });

  it("acknowledges with a name that it remembers, and keeps what was typed while it refreshes", async () => {
    const { page, asked } = await open({ width: 360 });
    await page.click("#alarms button >> nth=0");
    await page.fill("#ask-name", "王");
    await page.fill("#ask-comment", "已去查看");
    await page.waitForResponse((response) => response.url().endsWith("/status.json"));
    expect(await page.inputValue("#ask-comment")).toBe("已去查看");
    await page.click("#ask-confirm");
    await page.waitForSelector("#ask", { state: "hidden" });
    expect(asked).toEqual([
      {
        action: { kind: "acknowledge", alarmId: "a-critical", comment: "已去查看" },
        actor: "王 (local page)",
        commandId: null,
      },
    ]);
    await page.reload();
    await page.click("#alarms button >> nth=0");
    expect(await page.inputValue("#ask-name")).toBe("王");
  });

  it("says why an acknowledgement had no effect", async () => {
    const { page } = await open({ width: 360, outcome: { kind: "refused", reason: "already-acknowledged" } });
    await page.click("#alarms button >> nth=0");
    await page.click("#ask-confirm");
    await expect.poll(() => page.textContent("#ask-problem")).toBe("这条报警已有人确认");
  });

  it("shelves an alarm for a time, with a name and a reason, a critical one for an hour at most", async () => {
    const { page, asked } = await open({ width: 360 });
    const beforeMs = Date.now();
    await page.click('#alarms li >> nth=0 >> text="搁置"');
    expect(await page.locator("#ask-until option").allTextContents()).toEqual(["15 分钟", "30 分钟", "1 小时"]);
    await page.click("#ask-confirm");
    expect(asked).toEqual([]); // the browser asks for what is missing
    await page.fill("#ask-name", "王");
    await page.fill("#ask-reason", "门维修");
    await page.click("#ask-confirm");
    await page.waitForSelector("#ask", { state: "hidden" });
    expect(asked).toMatchObject([
      { action: { kind: "shelve", alarmId: "a-critical", reason: "门维修", oneShot: false }, actor: "王 (local page)" },
    ]);
    const { untilMs } = (asked[0] as { action: { untilMs: number } }).action; // as matched above
    expect(untilMs - beforeMs).toBeGreaterThan(59 * 60_000);
    expect(untilMs - beforeMs).toBeLessThan(60 * 60_000);
  });

  it("shows fingerprint, subject and validity of a certificate before it is approved", async () => {
    const { page, asked } = await open({ width: 360 });
    const card = await page.textContent("#waiting li");
    expect(card).toContain("0123 4567 89ab cdef 0123");
    expect(card).toContain("CN=CPU 1515");
    await page.click("#waiting button");
    expect(await page.textContent("#ask-what")).toContain("请先与设备上显示的指纹逐位核对");
    await page.fill("#ask-name", "李");
    await page.fill("#ask-reason", "与面板核对一致");
    await page.click("#ask-confirm");
    await page.waitForSelector("#ask", { state: "hidden" });
    expect(asked).toEqual([
      {
        sourceId: "plant",
        fingerprintSha256: "0123456789abcdef".repeat(4),
        reason: "与面板核对一致",
        actor: "李 (local page)",
        commandId: null,
      },
    ]);
  });

  it("adds a discovered value as a point: pick, name, assign to a room", async () => {
    const { page, asked } = await open({ width: 360 });
    expect(await page.locator("#discovered button").count()).toBe(1); // what has no number cannot be one
    expect(await page.locator("#discovered i").count()).toBe(0);
    await page.click("#discovered button");
    await page.selectOption("#ask-zone", "fridge");
    await page.fill("#ask-zh", "走入式");
    await page.fill("#ask-name", "王");
    await page.click("#ask-fields summary");
    const entry = (await page.textContent("#ask-fields pre")) ?? "";
    expect(entry).toContain('zone: "fridge"');
    expect(entry).toContain('zh: "走入式"');
    expect(entry).toContain('topic: "zigbee2mqtt/Walk-in"');
    await page.click("#ask-confirm");
    await page.waitForSelector("#ask", { state: "hidden" });
    expect(asked).toMatchObject([
      {
        sourceId: "sensors",
        label: "zigbee2mqtt/Walk-in temperature",
        choice: { zone: "fridge", name: { zh: "走入式" } },
      },
    ]);
  });

  it("says why a point was not added, and keeps what was typed", async () => {
    const { page } = await open({ width: 360, added: { kind: "invalid", message: 'id "x" is used already' } });
    await page.click("#discovered button");
    await page.fill("#ask-name", "王");
    await page.fill("#ask-id", "x");
    await page.click("#ask-confirm");
    await expect.poll(() => page.textContent("#ask-problem")).toContain('id "x" is used already');
    expect(await page.inputValue("#ask-id")).toBe("x");
  });

  it("shows rooms with their named limits and the estimate of the goods as one, never as a measurement", async () => {
    const { page } = await open({ width: 360 });
    const card = (await page.locator("#rooms li").nth(1).textContent()) ?? "";
    expect(card).toContain("3 号冷冻库");
    expect(card).toContain("≈ −17.2 ± 1.1 °C · 由空气温度估算，不是测量值");
    expect(card).toContain("HH −12.0 °C · H −18.0 °C");
    expect(await page.locator("#rooms li").nth(2).textContent()).toContain("还不足以估算");
    expect(await page.locator("#alarms .title").first().textContent()).toContain("HH 温度越限");
  });

  it("shows what was learned of a room and forgets it for somebody with a reason", async () => {
    const { page, asked } = await open({ width: 360 });
    await page.click("#rooms button >> nth=0");
    expect(await page.textContent("#ask-what")).toContain(
      "见过 14 次 · 升温 4.2 … 6.8 K · 上升 18 … 26 分钟 · 恢复 31 … 47 分钟",
    );
    expect(await page.textContent("#ask-what")).toContain(
      "高于 −18.0 °C · 见过 23 次 · 历时 4 … 52 分钟 · 最多超出 0.2 … 3.4 K",
    );
    await page.click('#ask-what >> text="忘掉学到的内容"');
    await page.fill("#ask-name", "王");
    await page.fill("#ask-reason", "换了蒸发器");
    await page.click("#ask-confirm");
    await page.waitForSelector("#ask", { state: "hidden" });
    expect(asked).toEqual([{ zoneId: "cold-1", actor: "王 (local page)", reason: "换了蒸发器" }]);
  });

  it("shows the health of the alarm system with a fix for each bad actor, and what is down", async () => {
    const { page } = await open({ width: 1280 });
    expect(await page.textContent("#health")).toContain("12 个");
    expect(await page.textContent("#actors")).toContain("→ 加大回差");
    expect(await page.textContent("#outputs")).toContain("无法动作");
  });

  it("reads a critical alarm aloud once sound is on, in full words, and again until somebody acknowledges it", async () => {
    const { page } = await open({ width: 360, voice: true });
    await page.waitForTimeout(1_200);
    expect(await page.evaluate("globalThis.said")).toEqual([]);
    await page.click("#sound");
    await expect.poll(() => page.evaluate("globalThis.said.length")).toBe(2);
    const [test, alarm] = (await page.evaluate("globalThis.said")) as readonly string[]; // as the script below collects
    expect(test).toContain("声音已打开");
    expect(alarm).toContain("严重，3 号冷冻库，高高限，");
    expect(await page.getAttribute("#sound", "aria-pressed")).toBe("true");
  });

  it("beeps where the browser has no voice", async () => {
    const { page } = await open({ width: 360, voice: false });
    await page.click("#sound");
    await expect.poll(() => page.evaluate("globalThis.tones")).toBeGreaterThanOrEqual(6);
  });

  it("says that it has lost the gateway instead of going on looking healthy", async () => {
    const { page, server } = await open({ width: 360, calm: true });
    expect(await page.isHidden("#strip")).toBe(true);
    await server.stop();
    await expect.poll(() => page.textContent("#strip"), { timeout: 15_000 }).toContain("此页与网关失去联系");
    expect(await page.getAttribute("body", "class")).toBe("lost");
  });

  it("shows refused payloads as text, never as markup", async () => {
    const { page } = await open({ width: 360 });
    expect(await page.locator("#refusals b").count()).toBe(0);
    expect(await page.textContent("#refusals li")).toContain('found "<b>n/a</b>"');
  });

  it.each([
    ["light", false, false],
    ["dark", true, false],
    ["calm", false, true],
  ])("has no accessibility problem that axe finds (%s)", async (_name, dark, calm) => {
    const { page } = await open({ width: 360, dark, calm });
    // Past the page's own content security policy, as a test may.
    const violations: unknown = await page.evaluate(`(async () => {
      ${axeSource};
      const result = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] });
      return result.violations.map(({ id, nodes }) => id + ": " + nodes.map((node) => node.html).join(" "));
    })()`);
    expect(violations).toEqual([]);
  });
});

/** Stands in for loudspeaker and voice: chromium without a desktop has neither. */
function listening(hasVoice: boolean): string {
  return `
    globalThis.said = [];
    globalThis.tones = 0;
    const voices = ${hasVoice ? '[{ lang: "zh-CN" }]' : "[]"};
    const synthesis = { getVoices: () => voices, speak: (words) => said.push(words.text), cancel() {} };
    Object.defineProperty(globalThis, "speechSynthesis", { value: synthesis });
    globalThis.SpeechSynthesisUtterance = class extends EventTarget { constructor(text) { super(); this.text = text; } };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) { tones += 1; return start.apply(this, when); };
  `;
}
