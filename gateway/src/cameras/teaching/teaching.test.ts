import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { judgeRegion } from "@frostlight/edge-models";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ann, type Bench, colourModel, hat, hatMissing, openBench, plain, whole } from "./testing/teaching-fixture.ts";

const detector = "a".repeat(64);
let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

/** As many of each answer, all clearly apart. */
async function markEach(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await bench.mark(150 + index * 5, "yes");
    await bench.mark(150 + index * 5, "no");
  }
}

const step = (request: object) => bench.teaching.teach(request, ann);
const thing = () => bench.teaching.things().find((view) => view.thing === "hat");

// Every step is on disk when it is answered, and disks of test machines are slow.
vi.setConfig({ testTimeout: 60_000 });

describe("teaching a thing", () => {
  it("is off until it is switched on, and then the head tells yes from no", async () => {
    await step(hat);
    await markEach(10);
    expect(await step({ kind: "fit", thing: "hat" })).toEqual({ kind: "done", version: 1 });
    expect(bench.teaching.get("hat", detector)).toBeUndefined();
    expect(thing()?.versions[0]).toMatchObject({ examples: 20, weaknesses: [], quality: { auroc: 1, accuracy: 1 } });
    expect(await step({ kind: "activate", thing: "hat", version: 1 })).toEqual({ kind: "done", version: 1 });
    const head = bench.teaching.get("hat", detector);
    if (head === undefined) throw new Error("no head in use");
    expect(judgeRegion(head, Float32Array.from([0.8, 0.08, 0.08])).label).toBe("yes");
    expect(judgeRegion(head, Float32Array.from([0.08, 0.08, 0.8])).label).toBe("no");
    expect(thing()).toMatchObject({ active: 1, usedBy: [{ cameraId: "kitchen", ruleId: "no-hat" }] });
  });

  it("refuses to switch on what is weak, says why, and does so when told explicitly", async () => {
    await step(hat);
    await markEach(3);
    await step({ kind: "fit", thing: "hat" });
    expect(await step({ kind: "activate", thing: "hat", version: 1 })).toEqual({
      kind: "refused",
      reason: "too-weak",
      message: "3 yes and 3 no examples, at least 10 of each are wanted",
    });
    expect(bench.teaching.get("hat", detector)).toBeUndefined();
    expect(await step({ kind: "activate", thing: "hat", version: 1, acceptWeak: true })).toMatchObject({
      kind: "done",
    });
    expect(bench.teaching.get("hat", detector)).toBeDefined();
  });

  it("goes back to the version before, and forgets everything when removed", async () => {
    await step(hat);
    await markEach(10);
    await step({ kind: "fit", thing: "hat" });
    await step({ kind: "activate", thing: "hat", version: 1 });
    await bench.mark(240, "yes");
    await step({ kind: "fit", thing: "hat" });
    await step({ kind: "activate", thing: "hat", version: 2 });
    expect(bench.teaching.get("hat", detector)?.version).toBe("2");
    expect(await step({ kind: "roll-back", thing: "hat" })).toEqual({ kind: "done", version: 1 });
    expect(bench.teaching.get("hat", detector)?.version).toBe("1");
    expect(await step({ kind: "deactivate", thing: "hat" })).toEqual({ kind: "done" });
    expect(bench.teaching.get("hat", detector)).toBeUndefined();
    await step({ kind: "remove", thing: "hat" });
    expect(bench.teaching.things()).toEqual([]);
    expect(await readdir(join(bench.folder, "crops"))).toEqual([]);
    expect(await readdir(join(bench.folder, "heads"))).toEqual([]);
  });

  it("journals each step with who, and a step with its command's id once", async () => {
    const fromServer = { actor: "bo", commandId: "c-1" };
    expect(await bench.teaching.teach(hat, fromServer)).toEqual({ kind: "done" });
    expect(await bench.teaching.teach(hat, fromServer)).toEqual({ kind: "already-done" });
    await (await bench.reopen()).teach(hat, fromServer);
    expect(bench.changes).toHaveLength(1);
    expect(bench.changes[0]).toMatchObject({ subject: "taught:hat", what: "teaching", author: "bo", commandId: "c-1" });
  });

  it("says what is wrong with a request instead of doing half of it", async () => {
    const refusal = async (request: object) => {
      const outcome = await step(request);
      return outcome.kind === "refused" ? outcome.reason : outcome.kind;
    };
    expect(await refusal({ kind: "define-thing", thing: "Hat!" })).toBe("invalid");
    expect(await refusal({ ...hat, cameras: ["elsewhere"] })).toBe("unknown-camera");
    expect(await refusal({ kind: "fit", thing: "hat" })).toBe("unknown-thing");
    await step(hat);
    expect(await refusal({ kind: "fit", thing: "hat" })).toBe("too-few-examples");
    const picture = { kind: "evidence", cameraId: "kitchen", sha256: "0".repeat(64) };
    const mark = { kind: "mark", thing: "hat", picture, region: whole, answer: "yes" };
    expect(await refusal(mark)).toBe("picture-gone");
    bench.evidence.set("0".repeat(64), await plain({ r: 1, g: 2, b: 3 }));
    expect(await refusal({ ...mark, region: { ...whole, right: 0.05, bottom: 0.05 } })).toBe("region-too-small");
    expect(await refusal({ ...mark, region: { ...whole, right: 0 } })).toBe("invalid");
    expect(await refusal({ kind: "activate", thing: "hat", version: 7 })).toBe("unknown-version");
    expect(await refusal({ kind: "roll-back", thing: "hat" })).toBe("nothing-before");
    expect(bench.changes).toHaveLength(1);
  });

  it("marks in frames that the camera showed while somebody was asking", async () => {
    await step(hat);
    const rgb = new Uint8Array(128 * 96 * 3).fill(90);
    const frame = () => ({ width: 128, height: 96, rgb, jpeg: null, timeMs: bench.clock.nowMs(), monotonicMs: 0 });
    bench.teaching.watch("kitchen", frame());
    expect(bench.teaching.frames("kitchen")).toEqual([]);
    bench.teaching.watch("kitchen", frame());
    await expect.poll(() => bench.teaching.frames("kitchen")).toHaveLength(1);
    const frameId = bench.teaching.frames("kitchen")[0]?.frameId ?? "";
    const [person] = (await bench.teaching.persons(frameId)) ?? [];
    if (person === undefined) throw new Error("no person");
    const picture = { kind: "frame", cameraId: "kitchen", frameId };
    const marked = await step({ kind: "mark", thing: "hat", picture, region: person.head, answer: "yes" });
    expect(marked).toMatchObject({ kind: "done" });
    const [example] = thing()?.examples ?? [];
    expect(example).toMatchObject({ answer: "yes", source: "marked", by: "ann", frameMs: bench.clock.nowMs() });
    expect(await bench.teaching.crop("hat", example?.crop ?? "")).toBeDefined();
    expect(await step({ kind: "unmark", thing: "hat", crop: example?.crop })).toEqual({ kind: "done" });
    expect(thing()?.examples).toEqual([]);
  });
});

describe("learning anew what a camera learns by itself", () => {
  const request = { kind: "learn-anew", cameraId: "kitchen", what: "scene", reason: "a new shelf" };

  it("is done once for a command, with its record, and with another one when it is learnt", async () => {
    const asked: string[] = [];
    let learnt = 0;
    const relearn = (cameraId: string, what: string) => {
      asked.push(`${cameraId} ${what}`);
      return Promise.resolve(true);
    };
    bench.teaching.connectCameras({ relearn, progress: () => ({ learnt, of: 600 }) });
    const caller = { actor: "olga", commandId: "c-1" };
    expect(await bench.teaching.teach(request, caller)).toEqual({ kind: "done" });
    expect(await bench.teaching.teach(request, caller)).toEqual({ kind: "already-done" });
    expect(asked).toEqual(["kitchen scene"]);
    expect(bench.changes).toMatchObject([
      { subject: "camera:kitchen", what: "teaching", author: "olga", reason: "a new shelf", commandId: "c-1" },
    ]);
    await bench.clock.advance(60_000);
    const reopened = await bench.reopen();
    reopened.connectCameras({ relearn, progress: () => ({ learnt, of: 600 }) });
    await bench.clock.advance(60_000);
    expect(bench.changes).toHaveLength(1);
    learnt = 600;
    await bench.clock.advance(60_000);
    await vi.waitFor(() => expect(bench.changes).toHaveLength(2));
    expect(bench.changes[1]).toMatchObject({ author: "gateway", after: "the scene is learnt: 600 frames" });
    await bench.clock.advance(60_000);
    expect(bench.changes).toHaveLength(2);
  });

  it("is refused where nothing is learnt, for other cameras, and without a reason", async () => {
    bench.teaching.connectCameras({ relearn: () => Promise.resolve(false), progress: () => undefined });
    expect(await step(request)).toMatchObject({ kind: "refused", reason: "nothing-learnt" });
    expect(await step({ ...request, cameraId: "yard" })).toMatchObject({ kind: "refused", reason: "unknown-camera" });
    expect(await step({ ...request, reason: " " })).toMatchObject({ kind: "refused", reason: "invalid" });
    expect(bench.changes).toEqual([]);
  });
});

describe("a new detector", () => {
  it("gets a head fitted anew from the crops, without anybody asking", async () => {
    await step(hat);
    await markEach(10);
    await step({ kind: "fit", thing: "hat" });
    await step({ kind: "activate", thing: "hat", version: 1 });
    const other = "c".repeat(64);
    bench.model = colourModel(other);
    const reopened = await bench.reopen();
    expect(reopened.get("hat", other)).toBeUndefined();
    await expect.poll(() => reopened.get("hat", other)?.modelSha256, { timeout: 20_000 }).toBe(other);
    expect(bench.changes.at(-1)).toMatchObject({ author: "gateway", subject: "taught:hat" });
    expect(bench.changes.at(-1)?.after).toContain("fitted anew for detector");
  });

  it("switches a thing off that is weak on it, and says so", async () => {
    await step(hat);
    await markEach(10);
    await step({ kind: "fit", thing: "hat" });
    await step({ kind: "activate", thing: "hat", version: 1 });
    let turn = 0;
    const noise = (prime: number): number => ((turn * prime) % 101) / 101;
    const blind = {
      describe: () => {
        turn += 1;
        return Promise.resolve([Float32Array.from([noise(7_919), noise(104_729), noise(613)])]);
      },
    };
    bench.model = { ...colourModel("d".repeat(64)), ...blind };
    const reopened = await bench.reopen();
    reopened.get("hat", "d".repeat(64));
    await expect.poll(() => thing()?.active, { timeout: 20_000 }).toBeNull();
    expect(bench.changes.at(-1)?.after).toContain("switched off");
  });
});

describe("verdicts", () => {
  it("turn a finding's crops into examples, and suggest a fit that nobody switched on", async () => {
    await step(hat);
    await markEach(4);
    const original = "e".repeat(64);
    bench.evidence.set(original, await plain({ r: 230, g: 20, b: 20 }));
    bench.teaching.note(hatMissing("f-1", original));
    const judge = (verdict: "true" | "false" | "unclear") =>
      bench.teaching.judge({ findingId: "f-1", verdict, comment: "he wears one" }, { actor: "bo", commandId: null });
    expect(await judge("false")).toEqual({ kind: "done" });
    const of = () => thing()?.examples.filter(({ source }) => source === "verdict");
    expect(of()).toMatchObject([{ answer: "yes", by: "bo" }]);
    expect(thing()).toMatchObject({ active: null, versions: [{ suggested: true, examples: 9 }] });
    expect(bench.changes.find(({ what }) => what === "verdict")).toMatchObject({
      subject: "finding:f-1",
      before: "",
      after: "false",
      reason: "he wears one",
    });
    await judge("true");
    expect(of()).toMatchObject([{ answer: "no" }]);
    await judge("unclear");
    expect(of()).toEqual([]);
    expect(bench.teaching.findings()).toMatchObject([{ findingId: "f-1", verdict: { verdict: "unclear", by: "bo" } }]);
  });

  it("are kept over a restart, also for findings that are not remembered", async () => {
    bench.teaching.note(hatMissing("f-2", "e".repeat(64)));
    await bench.teaching.judge({ findingId: "f-2", verdict: "true", comment: "" }, ann);
    await bench.teaching.judge({ findingId: "long-ago", verdict: "false", comment: "" }, ann);
    const reopened = await bench.reopen();
    expect(reopened.findings()).toMatchObject([{ findingId: "f-2", verdict: { verdict: "true" } }]);
    expect(bench.changes.map(({ subject }) => subject)).toEqual(["finding:f-2", "finding:long-ago"]);
  });
});

describe("what is on disk", () => {
  it("is the same after a restart, and holds no descriptor of a crop", async () => {
    await step(hat);
    await markEach(10);
    await step({ kind: "fit", thing: "hat" });
    await step({ kind: "activate", thing: "hat", version: 1 });
    const before = bench.teaching.things();
    expect((await bench.reopen()).things()).toEqual(before);
    expect(bench.teaching.get("hat", detector)).toBeDefined();
    expect((await readdir(bench.folder)).toSorted()).toEqual(["crops", "heads", "state.json"]);
    expect(await readFile(join(bench.folder, "state.json"), "utf8")).not.toContain("descriptor");
    for (const file of await readdir(join(bench.folder, "crops"))) expect(file).toMatch(/^[0-9a-f]{64}\.jpg$/);
  });

  it("opens whatever a crash left beside it, and keeps exactly what the state names", async () => {
    await step(hat);
    await markEach(2);
    const before = bench.teaching.things();
    const name = fc.stringMatching(/^[0-9a-f]{64}\.(?:jpg|json)(?:\.tmp)?$/);
    await fc.assert(
      fc.asyncProperty(fc.array(name, { maxLength: 6 }), fc.boolean(), async (left, halfState) => {
        await mkdir(join(bench.folder, "heads"), { recursive: true });
        for (const file of left)
          await writeFile(join(bench.folder, file.includes("jpg") ? "crops" : "heads", file), "x");
        if (halfState) await writeFile(join(bench.folder, "state.json.tmp"), '{"version":1,"thi');
        expect((await bench.reopen()).things()).toEqual(before);
        expect(await readdir(join(bench.folder, "crops"))).toHaveLength(4);
        expect(await readdir(join(bench.folder, "heads"))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it("is kept aside when the state file is damaged, crops and all", async () => {
    await step(hat);
    await markEach(2);
    await bench.teaching.stop();
    await writeFile(join(bench.folder, "state.json"), "{");
    expect((await bench.reopen()).things()).toEqual([]);
    expect(await readdir(join(bench.folder, "crops"))).toHaveLength(4);
  });

  it("goes to another gateway as one file, by an act that is written down", async () => {
    await step(hat);
    await markEach(10);
    const file = await bench.teaching.export("hat", ann);
    expect(bench.changes.at(-1)?.after).toContain("exported with 20 crops");
    const other = await openBench();
    try {
      const given: unknown = JSON.parse(Buffer.from(file ?? []).toString("utf8"));
      expect(await other.teaching.import(given, ann)).toEqual({ kind: "done" });
      expect(await other.teaching.import(given, ann)).toMatchObject({ kind: "refused", reason: "already-there" });
      expect(await other.teaching.teach({ kind: "fit", thing: "hat" }, ann)).toEqual({ kind: "done", version: 1 });
      expect(other.teaching.things()[0]?.versions[0]?.quality.auroc).toBe(1);
      const broken = { ...JSON.parse(Buffer.from(file ?? []).toString("utf8")), thing: "cap" };
      broken.examples[3].jpeg = Buffer.from("no picture").toString("base64");
      expect(await other.teaching.import(broken, ann)).toMatchObject({ kind: "refused", reason: "invalid" });
      expect(other.teaching.things()).toHaveLength(1);
    } finally {
      await other.close();
    }
  });
});
