import { createHash } from "node:crypto";

import type { ChangeRecord, Finding } from "@frostlight/contract";
import { type Head, headOf } from "@frostlight/edge-models";
import { type CancelTimer, type Clock, type Logger, type Part, type Random } from "@frostlight/kernel";
import { z } from "zod";

import type { CameraLearning, Frame, LearningProgress } from "../../core/camera.ts";
import type { EvidenceSpool } from "../../core/journal.ts";
import {
  type JudgeableFinding,
  type PersonParts,
  type RecentFrame,
  type TaughtThingView,
  type TeachCaller,
  type TeachDesk,
  type TeachOutcome,
  type TeachRequest,
  teachRequest,
  type VerdictRequest,
} from "../../core/teaching.ts";
import type { CameraConfig } from "../camera-config.ts";
import { within } from "../eyes.ts";
import type { CameraModels } from "../model-pool.ts";
import { taughtHeadId } from "../rules/camera-rule.ts";
import { upperBody } from "../rules/people.ts";
import type { TaughtHeads } from "../taught-heads.ts";
import { decodePicture } from "./crop-picture.ts";
import { ExampleMaker } from "./example-maker.ts";
import { FindingMemory } from "./finding-memory.ts";
import { HeadBench } from "./head-bench.ts";
import { Lessons, refused } from "./lessons.ts";
import { RecentFrames } from "./recent-frames.ts";
import { TeachingLedger } from "./teaching-ledger.ts";
import type { StoredExample, StoredThing } from "./teaching-memory.ts";
import { TeachingStore } from "./teaching-store.ts";
import { thingFile, thingFileOf } from "./thing-file.ts";
import { viewOf } from "./thing-view.ts";
import { Verdicts } from "./verdicts.ts";

/** Cameras, as far as they learn by themselves. */
interface SelfLearners {
  /** Forgets what was learnt, durably; false: there is nothing of the kind. */
  relearn(cameraId: string, what: CameraLearning): Promise<boolean>;
  /** Undefined: nothing of the kind is learnt (yet). */
  progress(cameraId: string, what: CameraLearning): LearningProgress | undefined;
}

const nameOfLearning = { scene: "the scene", health: "the normal picture" } as const;
/** How often it is looked whether what was to be learnt anew is learnt. */
const learntEveryMs = 10_000;
/** What the network saw of crops is forgotten when nobody has taught for so long. */
const idleMs = 15 * 60_000;
const minPersonScore = 0.3;
/** A frame wider than this is looked at scaled down. */
const detectWidth = 1_280;

export interface TeachingParts {
  /** A folder of its own in the state folder; made when missing. */
  readonly folder: string;
  readonly cameras: readonly CameraConfig[];
  readonly models: Pick<CameraModels, "get">;
  readonly evidence: Pick<EvidenceSpool, "read">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Yes/no things that operators teach: crops, fits, versions, and the heads in use. Nothing of it leaves the site by itself. */
export class Teaching implements Part, TaughtHeads, TeachDesk {
  readonly name = "teaching";
  readonly #parts: TeachingParts;
  readonly #store: TeachingStore;
  readonly #ledger: TeachingLedger;
  readonly #bench: HeadBench;
  readonly #lessons: Lessons;
  readonly #verdicts: Verdicts;
  readonly #examples: ExampleMaker;
  readonly #findings: FindingMemory;
  readonly #frames: ReadonlyMap<string, RecentFrames>;
  #lastTaughtMs = 0;
  #cancelIdle: CancelTimer = () => undefined;
  #cancelLearnt: CancelTimer = () => undefined;
  #learners: SelfLearners | undefined;

  private constructor(parts: TeachingParts, store: TeachingStore, findings: FindingMemory) {
    const { cameras, clock, logger } = parts;
    const now = (): number => clock.nowMs();
    this.#parts = parts;
    this.#store = store;
    this.#findings = findings;
    this.#frames = new Map(cameras.map(({ id }) => [id, new RecentFrames(id, parts)]));
    this.#ledger = new TeachingLedger(store, clock, logger);
    const ledger = this.#ledger;
    this.#bench = new HeadBench({ ...parts, store, ledger, now });
    const bench = this.#bench;
    this.#examples = new ExampleMaker({ ...parts, store, bench, findings, frames: this.#frames });
    const examples = this.#examples;
    this.#lessons = new Lessons({ ledger, bench, examples, cameraIds: new Set(this.#frames.keys()) });
    this.#verdicts = new Verdicts({ ledger, bench, examples, findings, now, logger });
  }

  /** Reads what was taught. A damaged state file is kept aside: then nothing is taught until it is put back. */
  static async open(parts: TeachingParts): Promise<Teaching> {
    const store = await TeachingStore.open(parts.folder, parts.logger);
    const teaching = new Teaching(parts, store, await FindingMemory.open(parts.folder, parts.logger));
    await teaching.#bench.load();
    return teaching;
  }

  /** @param journal resolves when durable */
  connect(journal: (change: ChangeRecord) => Promise<void>): void {
    this.#ledger.connect(journal);
  }

  connectCameras(cameras: SelfLearners): void {
    this.#learners = cameras;
  }

  async start(): Promise<void> {
    const { clock } = this.#parts;
    this.#cancelIdle = clock.every(idleMs, () => {
      if (clock.monotonicMs() - this.#lastTaughtMs >= idleMs) this.#bench.descriptors.forget();
    });
    this.#cancelLearnt = clock.every(learntEveryMs, () => {
      if (this.#ledger.memory.relearning.length > 0) void this.#ledger.inTurn(() => this.#tellLearnt());
    });
    await this.#ledger.start();
  }

  async stop(): Promise<void> {
    this.#cancelIdle();
    this.#cancelLearnt();
    await this.#ledger.stop();
    await this.#findings.settled();
  }

  get(thingId: string, modelSha256: string): Head | undefined {
    return this.#bench.get(thingId, modelSha256);
  }

  /** Every frame of a camera; kept only while somebody teaches. */
  watch(cameraId: string, frame: Frame): void {
    this.#frames.get(cameraId)?.record(frame);
  }

  /** Every finding, so that it can be judged. */
  note(finding: Finding): void {
    this.#findings.note(finding);
  }

  teach(request: unknown, caller: TeachCaller): Promise<TeachOutcome> {
    const parsed = teachRequest.safeParse(request);
    if (!parsed.success) return Promise.resolve(refused("invalid", z.prettifyError(parsed.error).slice(0, 500)));
    const step = parsed.data;
    return this.#once(caller, () =>
      step.kind === "learn-anew" ? this.#learnAnew(step, caller) : this.#lessons.take(step, caller),
    );
  }

  judge(request: VerdictRequest, caller: TeachCaller): Promise<TeachOutcome> {
    return this.#once(caller, () => this.#verdicts.judge(request, caller));
  }

  things(): readonly TaughtThingView[] {
    return this.#ledger.memory.things
      .map((thing) => viewOf(thing, this.#usersOf(thing)))
      .toSorted((a, b) => a.thing.localeCompare(b.thing));
  }

  findings(): readonly JudgeableFinding[] {
    const verdicts = new Map(this.#ledger.memory.verdicts.map((verdict) => [verdict.findingId, verdict]));
    return this.#findings.all().map(({ plain: _plain, boxes: _boxes, heads: _heads, ...finding }) => {
      const given = verdicts.get(finding.findingId);
      const verdict = given === undefined ? null : { verdict: given.verdict, by: given.by, timeMs: given.timeMs };
      return { ...finding, verdict };
    });
  }

  frames(cameraId: string): readonly RecentFrame[] {
    return this.#frames.get(cameraId)?.list() ?? [];
  }

  frame(frameId: string): Uint8Array | undefined {
    return this.#find(frameId)?.jpeg;
  }

  async persons(frameId: string): Promise<readonly PersonParts[] | undefined> {
    const frame = this.#find(frameId);
    const camera = this.#parts.cameras.find(({ id }) => id === frame?.cameraId);
    if (frame === undefined || camera === undefined) return undefined;
    const model = await this.#parts.models.get(camera.model);
    const image = await decodePicture(frame.jpeg, detectWidth);
    const { boxes } = await model.detect(image, { minScore: minPersonScore });
    return boxes
      .filter(({ label }) => label === "person")
      .map(({ left, top, right, bottom }) => {
        const person = within({ left, top, right, bottom });
        return { person, head: headOf(person, image), "upper-body": upperBody(person) };
      });
  }

  async crop(thing: string, sha256: string): Promise<Uint8Array | undefined> {
    const isKnown = this.#ledger.thing(thing)?.examples.some(({ crop }) => crop === sha256) === true;
    return isKnown ? this.#store.read("crops", sha256) : undefined;
  }

  async picture(sha256: string): Promise<Uint8Array | undefined> {
    if (!this.#findings.all().some(({ picture, plain }) => picture === sha256 || plain === sha256)) return undefined;
    return (await this.#parts.evidence.read(sha256))?.data;
  }

  async clip(sha256: string): Promise<Uint8Array | undefined> {
    if (!this.#findings.all().some(({ clip }) => clip === sha256)) return undefined;
    return (await this.#parts.evidence.read(sha256))?.data;
  }

  /** Written down: it is the one way by which crops leave the site. */
  async export(thing: string, caller: TeachCaller): Promise<Uint8Array | undefined> {
    return this.#ledger.inTurn(async () => {
      const stored = this.#ledger.thing(thing);
      if (stored === undefined) return undefined;
      const file = await thingFileOf(stored, (crop) => this.#store.read("crops", crop));
      const sha256 = createHash("sha256").update(file).digest("hex");
      const after = `exported with ${stored.examples.length} crops, SHA-256 ${sha256}`;
      await this.#ledger.keepThing(stored, { before: "", after }, caller);
      return file;
    });
  }

  import(file: unknown, caller: TeachCaller): Promise<TeachOutcome> {
    const parsed = thingFile.safeParse(file);
    if (!parsed.success) return Promise.resolve(refused("invalid", z.prettifyError(parsed.error).slice(0, 500)));
    const { thing, name, on, places, examples } = parsed.data;
    return this.#once(caller, async () => {
      if (this.#ledger.thing(thing) !== undefined) return refused("already-there", `"${thing}" is taught here already`);
      const empty = { thing, name, on, places, versions: [], nextVersion: 1, active: null, before: [] };
      const taken: StoredExample[] = [];
      for (const { jpeg, ...example } of examples) {
        const own = { ...example, jpeg: Buffer.from(jpeg, "base64") };
        const made = await this.#examples.fromFile(taken.length, own, caller.actor);
        if (made.kind === "refused") return made;
        taken.push(made.example);
      }
      const stored: StoredThing = { ...empty, cameras: [...this.#frames.keys()], examples: taken };
      await this.#ledger.keepThing(stored, { before: "", after: `imported with ${taken.length} crops` }, caller);
      return { kind: "done" };
    });
  }

  /** Forgotten first, recorded second: a crash in between leaves a command that is done again. */
  async #learnAnew(
    { cameraId, what, reason }: Extract<TeachRequest, { readonly kind: "learn-anew" }>,
    caller: TeachCaller,
  ): Promise<TeachOutcome> {
    if (!this.#frames.has(cameraId)) return refused("unknown-camera", `there is no camera "${cameraId}"`);
    if ((await this.#learners?.relearn(cameraId, what)) !== true) {
      return refused("nothing-learnt", `no rule of camera "${cameraId}" remembers the scene just now`);
    }
    const after = `${nameOfLearning[what]} is learnt anew`;
    const effect = { subject: `camera:${cameraId}`, what: "teaching", before: "", after, reason } as const;
    await this.#ledger.keep(
      { relearning: [...this.#relearningBut(cameraId, what), { cameraId, what }] },
      effect,
      caller,
    );
    return { kind: "done" };
  }

  /** Who asked for it wants to know from when on the camera is watched as before. */
  async #tellLearnt(): Promise<void> {
    for (const { cameraId, what } of this.#ledger.memory.relearning) {
      const progress = this.#learners?.progress(cameraId, what);
      if (progress === undefined || progress.learnt < progress.of) continue;
      const [subject, before] = [`camera:${cameraId}`, `${nameOfLearning[what]} is learnt anew`];
      const after = `${nameOfLearning[what]} is learnt: ${progress.of} frames`;
      const relearning = this.#relearningBut(cameraId, what);
      const caller = { actor: "gateway", commandId: null };
      await this.#ledger.keep({ relearning }, { subject, what: "teaching", before, after }, caller);
    }
  }

  #relearningBut(cameraId: string, what: CameraLearning) {
    return this.#ledger.memory.relearning.filter((one) => one.cameraId !== cameraId || one.what !== what);
  }

  /** One after the other; a command that comes again is not done again. */
  #once(caller: TeachCaller, work: () => Promise<TeachOutcome>): Promise<TeachOutcome> {
    this.#lastTaughtMs = this.#parts.clock.monotonicMs();
    return this.#ledger.inTurn(() =>
      this.#ledger.hasDone(caller) ? Promise.resolve({ kind: "already-done" }) : work(),
    );
  }

  #find(frameId: string) {
    for (const frames of this.#frames.values()) {
      const frame = frames.get(frameId);
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  #usersOf({ thing }: StoredThing): TaughtThingView["usedBy"] {
    const headId = taughtHeadId(thing);
    return this.#parts.cameras.flatMap(({ id, rules }) =>
      rules
        .filter(({ definition, options }) => definition.heads(options).includes(headId))
        .map(({ own }) => ({ cameraId: id, ruleId: own.id })),
    );
  }
}
