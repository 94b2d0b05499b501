import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { silentLogger } from "@frostlight/kernel";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import {
  ann,
  type Bench,
  hat,
  hatMissing,
  openBench,
  plain,
} from "../../gateway/src/cameras/teaching/testing/teaching-fixture.ts";
import { createLocalServer, localOptions } from "../../gateway/src/local/index.ts";
import { exampleStatus } from "../../gateway/src/local/testing/example-status.ts";
import { complaintsOf, launchBrowser, missingBrowser } from "./browser.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe.skipIf(missingBrowser() !== undefined)(
  "the gateway's page for teaching in Chromium",
  { timeout: 120_000 },
  () => {
    let browser: Browser;
    let bench: Bench;
    const closing: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      browser = await launchBrowser();
    });
    afterAll(() => browser.close());
    afterEach(async () => {
      for (const close of closing.splice(0)) await close();
    });

    async function open(set: {
      readonly width: number;
      readonly locale: string;
      readonly prepare?: () => Promise<void>;
    }) {
      bench = await openBench();
      await set.prepare?.();
      const status = exampleStatus(bench.clock.nowMs(), true);
      const [camera] = status.cameras;
      const scene = { ruleId: "strange", ruleKind: "unusual-scene", state: "learning", reason: null } as const;
      const learning = {
        normalPicture: { learnt: 20, of: 20 },
        rules: [{ ...scene, scene: { learnt: 45, of: 600 } }],
      };
      if (camera === undefined) throw new Error("no camera in the example");
      const server = createLocalServer({
        options: localOptions.parse({ port: 0 }),
        status: () => ({ ...status, cameras: [{ ...camera, ...learning, cameraId: "kitchen" }] }),
        act: () => ({ kind: "done", events: [] }),
        approve: () => Promise.resolve({ kind: "done" }),
        forgetRoom: () => Promise.resolve(true),
        addPoint: () => Promise.resolve({ kind: "done" }),
        teaching: bench.teaching,
        logger: silentLogger,
      });
      await server.start();
      const context = await browser.newContext({ viewport: { width: set.width, height: 800 }, locale: set.locale });
      const page = await context.newPage();
      const complaints = complaintsOf(page);
      closing.push(
        () => context.close(),
        () => server.stop(),
        () => bench.close(),
      );
      await page.goto(`http://127.0.0.1:${server.port()}/teach.html`);
      return { page, complaints };
    }

    /** The camera shows one picture more. */
    async function showFrame(red: number): Promise<void> {
      await bench.clock.advance(31_000);
      const rgb = new Uint8Array(320 * 240 * 3);
      for (let at = 0; at < rgb.length; at += 3) {
        const x = (at / 3) % 320;
        const isPerson = x > 96 && x < 192;
        rgb.set(isPerson ? [red, 20, 255 - red] : [120, 125, 130 + (x % 7)], at);
      }
      const timeMs = bench.clock.nowMs();
      bench.teaching.frames("kitchen");
      bench.teaching.watch("kitchen", { width: 320, height: 240, rgb, jpeg: null, timeMs, monotonicMs: 0 });
      await expect.poll(() => bench.teaching.frames("kitchen").some((frame) => frame.timeMs === timeMs)).toBe(true);
    }

    const thing = () => bench.teaching.things()[0];

    async function seriousTroubles(page: Page): Promise<unknown> {
      await page.evaluate(axeSource);
      return page.evaluate(
        "axe.run().then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))",
      );
    }

    it("teaches a hat from definition to switching on, by touch and by keys", async () => {
      const { page, complaints } = await open({ width: 1280, locale: "en-US" });
      await page.fill("#who", "ann");
      await page.fill("[name=thing]", "hat");
      await page.fill("[name=zh]", "厨师帽");
      await page.fill("[name=en]", "Hat");
      await page.selectOption("[name=on]", "head");
      await page.click("#define button.main");
      await page.waitForSelector("#mark-section:not([hidden])");
      for (const [index, red] of [250, 5, 240, 15, 230, 25].entries()) {
        await showFrame(red);
        await page.getByRole("button", { name: "Take new pictures" }).click();
        await expect.poll(() => page.locator("#frames button").count()).toBe(index + 1);
        await page.locator("#frames button").first().click();
        await page.getByRole("button", { name: "Person 1" }).click();
        await page.keyboard.press(index % 2 === 0 ? "y" : "n");
        await expect.poll(() => thing()?.examples.length, { timeout: 15_000 }).toBe(index + 1);
      }
      expect(thing()?.examples.map(({ answer }) => answer)).toEqual(["yes", "no", "yes", "no", "yes", "no"]);
      await page.getByRole("button", { name: "Learn now" }).click();
      await page.getByText("too few examples").waitFor();
      expect(await page.locator(".big").first().textContent()).toBe("100 %");
      await page.getByRole("button", { name: "Switch on all the same" }).click();
      await page.getByText("● in use").waitFor();
      expect(thing()?.active).toBe(1);
      expect(bench.changes.at(-1)).toMatchObject({ author: "ann (local page)" });
      expect(await seriousTroubles(page)).toEqual([]);
      expect(complaints).toEqual([]);
    });

    it("takes a frame that is dragged, moves it with the keys, and says when there is none", async () => {
      const { page } = await open({
        width: 360,
        locale: "zh-CN",
        prepare: async () => void (await bench.teaching.teach(hat, ann)),
      });
      await page.fill("#who", "安");
      await page.getByRole("button", { name: "厨师帽" }).click();
      await showFrame(250);
      await page.getByRole("button", { name: "取新的画面" }).click();
      await page.locator("#frames button").first().click();
      await page.keyboard.press("y");
      await page.getByText("先在画面上选一个框").waitFor();
      const box = await page.locator(".picture").boundingBox();
      if (box === null) throw new Error("no picture");
      await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.6, { steps: 4 });
      await page.mouse.up();
      const own = page.locator(".picture button.own");
      const left = async () =>
        Number.parseFloat(/left: ([\d.]+)%/.exec((await own.getAttribute("style")) ?? "")?.[1] ?? "");
      expect(await left()).toBeCloseTo(70, 0);
      await own.focus();
      await page.keyboard.press("ArrowRight");
      expect(await left()).toBeCloseTo(71, 0);
      await page.getByRole("button", { name: "✗ 否" }).click();
      await expect.poll(() => thing()?.examples.length, { timeout: 15_000 }).toBe(1);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      expect(await seriousTroubles(page)).toEqual([]);
    });

    it("takes verdicts on findings by touch and by keys, and shows a suggested version", async () => {
      const original = "e".repeat(64);
      const { page } = await open({
        width: 360,
        locale: "zh-CN",
        prepare: async () => {
          await bench.teaching.teach(hat, ann);
          for (const shade of [200, 210, 220]) {
            await bench.mark(shade, "yes");
            await bench.mark(shade, "no");
          }
          bench.evidence.set(original, await plain({ r: 230, g: 20, b: 20 }));
          bench.teaching.note(hatMissing("f-1", original));
        },
      });
      await page.fill("#who", "安");
      await page.getByRole("button", { name: "误报" }).click();
      await page.getByText("已判定：误报").waitFor();
      await page.locator("#findings li").focus();
      await page.keyboard.press("1");
      await page.getByText("已判定：属实").waitFor();
      await page.getByRole("button", { name: "厨师帽" }).click();
      await page.getByText("由判定建议").waitFor();
      expect(thing()?.active).toBeNull();
      expect(bench.changes.filter(({ what }) => what === "verdict").map(({ after }) => after)).toEqual([
        "false",
        "true",
      ]);
    });

    it("has a camera learn anew on the gateway's page, with a reason, and shows how far it is", async () => {
      const { page, complaints } = await open({ width: 360, locale: "zh-CN" });
      const done: string[] = [];
      bench.teaching.connectCameras({
        relearn: (cameraId, what) => {
          done.push(`${cameraId} ${what}`);
          return Promise.resolve(what === "health");
        },
        progress: () => undefined,
      });
      await page.goto(page.url().replace("/teach.html", "/"));
      const row = page.locator("#cameras li");
      await row.getByText("strange 正在学习场景：600 帧中的 45 帧").waitFor();
      await row.getByRole("button", { name: "重新学习" }).click();
      await page.fill("#ask-name", "安");
      await page.selectOption("#ask-part", "health");
      await page.fill("#ask-reason", "摄像头移到门上方");
      const folder = process.env["SCREENSHOTS"];
      if (folder !== undefined) await page.screenshot({ path: `${folder}/local-learn-anew-360.png` });
      await page.click("#ask-confirm");
      await page.locator("#ask").waitFor({ state: "hidden" });
      expect(done).toEqual(["kitchen health"]);
      expect(bench.changes).toMatchObject([
        { subject: "camera:kitchen", author: "安 (local page)", reason: "摄像头移到门上方" },
      ]);
      await row.scrollIntoViewIfNeeded();
      if (folder !== undefined) await page.screenshot({ path: `${folder}/local-learning-360.png` });
      await row.getByRole("button", { name: "重新学习" }).click();
      await page.selectOption("#ask-part", "scene");
      await page.fill("#ask-reason", "新架子");
      await page.click("#ask-confirm");
      await page.getByText("此刻没有规则记住这个摄像头的场景").waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      expect(complaints.filter((one) => !one.includes("409"))).toEqual([]);
    });
  },
);
