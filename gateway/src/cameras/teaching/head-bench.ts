import { type Head, type LoadedModel, parseHead } from "@frostlight/edge-models";
import { describeError, FrostlightError, type Logger } from "@frostlight/kernel";

import type { CameraConfig } from "../camera-config.ts";
import type { CameraModels } from "../model-pool.ts";
import type { TaughtHeads } from "../taught-heads.ts";
import { CropDescriptors, fitThing } from "./fitting.ts";
import { countAnswers, describeWeaknesses, weaknessesOf } from "./quality.ts";
import type { TeachingLedger } from "./teaching-ledger.ts";
import type { FittedFor, StoredThing, StoredVersion } from "./teaching-memory.ts";
import type { TeachingStore } from "./teaching-store.ts";
import { describeUse } from "./thing-view.ts";

const maxVersions = 20;

interface BenchParts {
  readonly cameras: readonly Pick<CameraConfig, "id" | "model">[];
  readonly models: Pick<CameraModels, "get">;
  readonly store: TeachingStore;
  readonly ledger: TeachingLedger;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Fits heads, and hands the one in use to the cameras: for each detector its own, fitted anew when a detector is new. */
export class HeadBench implements TaughtHeads {
  readonly #parts: BenchParts;
  readonly descriptors: CropDescriptors;
  /** Heads in use, by file. */
  readonly #heads = new Map<string, Head>();
  /** Fits for a new detector that run, or cannot be done with these examples. */
  readonly #adapting = new Set<string>();

  constructor(parts: BenchParts) {
    this.#parts = parts;
    this.descriptors = new CropDescriptors((crop) => parts.store.read("crops", crop));
  }

  get(thingId: string, modelSha256: string): Head | undefined {
    const thing = this.#parts.ledger.thing(thingId);
    const version = thing === undefined ? undefined : activeOf(thing);
    if (thing === undefined || version === undefined) return undefined;
    const fitted = version.heads.find((head) => head.modelSha256 === modelSha256);
    if (fitted !== undefined) return this.#heads.get(fitted.file);
    const key = `${thingId} ${version.version} ${modelSha256} ${thing.examples.length}`;
    if (this.#adapting.has(key)) return undefined;
    this.#adapting.add(key);
    void this.#parts.ledger
      .inTurn(() => this.#adapt(thingId, version.version, modelSha256))
      .catch((error: unknown) => {
        this.#parts.logger.error("taught-head-not-refitted", { thing: thingId, error: describeError(error) });
      });
    return undefined;
  }

  /** Reads the heads in use and drops the others. */
  async load(): Promise<void> {
    const { store, ledger, logger } = this.#parts;
    const wanted = ledger.memory.things.flatMap((thing) => activeOf(thing)?.heads ?? []);
    const files = new Set(wanted.map(({ file }) => file));
    for (const file of this.#heads.keys()) if (!files.has(file)) this.#heads.delete(file);
    for (const file of files) {
      if (this.#heads.has(file)) continue;
      const text = await store.read("heads", file);
      try {
        if (text === undefined) throw new Error("its file is lost");
        this.#heads.set(file, parseHead(text.toString("utf8"), file));
      } catch (error) {
        logger.error("taught-head-unreadable", { file, error: describeError(error) });
      }
    }
  }

  /** Each detector once; those that do not load are left out. */
  async detectorsOf({ cameras }: Pick<StoredThing, "cameras">): Promise<readonly LoadedModel[]> {
    const found = new Map<string, LoadedModel>();
    for (const { id, model } of this.#parts.cameras) {
      if (!cameras.includes(id)) continue;
      const detector = await this.#parts.models.get(model).catch(() => undefined);
      if (detector !== undefined) found.set(detector.sha256, detector);
    }
    return [...found.values()];
  }

  /**
   * The thing with one version more; nothing is saved yet but the heads' files.
   * @throws `head/too-few-examples`, `teaching/no-detector`
   */
  async fit(thing: StoredThing, how: { readonly by: string; readonly suggested: boolean }): Promise<StoredThing> {
    const detectors = await this.detectorsOf(thing);
    if (detectors.length === 0) {
      throw new FrostlightError("teaching/no-detector", "config", "no detector of its cameras could be loaded");
    }
    const heads: FittedFor[] = [];
    for (const detector of detectors) heads.push(await this.#fitFor(thing, thing.nextVersion, detector));
    const version: StoredVersion = {
      ...how,
      version: thing.nextVersion,
      createdMs: this.#parts.now(),
      acceptedWeak: false,
      examples: thing.examples.map(({ crop, answer }) => ({ crop, answer })),
      heads,
    };
    // A suggestion takes the place of the one before it that nobody switched on.
    const kept = thing.versions.filter((old) => !(how.suggested && old.suggested && old.version !== thing.active));
    return pruned({ ...thing, versions: [...kept, version], nextVersion: thing.nextVersion + 1 });
  }

  async #fitFor(thing: StoredThing, version: number, detector: LoadedModel): Promise<FittedFor> {
    const { head, quality } = await fitThing({ ...thing, version }, detector, this.descriptors);
    const file = await this.#parts.store.put("heads", JSON.stringify(head));
    return { modelId: detector.id, modelSha256: detector.sha256, file, quality };
  }

  /** The version in use, for a detector that it was not fitted for. Weak there and not accepted as such: switched off. */
  async #adapt(thingId: string, number: number, modelSha256: string): Promise<void> {
    const { ledger, logger } = this.#parts;
    const thing = ledger.thing(thingId);
    const version = thing === undefined ? undefined : activeOf(thing);
    if (thing === undefined || version?.version !== number) return;
    const everywhere = { cameras: this.#parts.cameras.map(({ id }) => id) };
    const detector = (await this.detectorsOf(everywhere)).find(({ sha256 }) => sha256 === modelSha256);
    if (detector === undefined) return;
    const then = new Set(version.examples.map(({ crop }) => crop));
    const examples = thing.examples.filter(({ crop }) => then.has(crop));
    let fitted: FittedFor;
    try {
      fitted = await this.#fitFor({ ...thing, examples }, number, detector);
    } catch (error) {
      logger.warn("taught-head-not-refitted", { thing: thingId, model: detector.id, error: describeError(error) });
      return;
    }
    const count = countAnswers(examples);
    const isWeak = !version.acceptedWeak && weaknessesOf(count, fitted.quality).length > 0;
    const versions = thing.versions.map((old) => (old === version ? { ...old, heads: [...old.heads, fitted] } : old));
    const { auroc, accuracy } = fitted.quality;
    const figures = `AUROC ${auroc.toFixed(3)}, accuracy ${accuracy.toFixed(3)}`;
    const said = `version ${number} fitted anew for detector ${detector.id}: ${figures}`;
    const effect = {
      before: describeUse(thing),
      after: isWeak ? `${said}; switched off: ${describeWeaknesses(count, fitted.quality)}` : said,
    };
    const next = { ...thing, versions, active: isWeak ? null : thing.active };
    await ledger.keepThing(next, effect, { actor: "gateway", commandId: null });
    await this.load();
  }
}

function activeOf({ active, versions }: StoredThing): StoredVersion | undefined {
  return active === null ? undefined : versions.find(({ version }) => version === active);
}

/** The oldest versions go; never those in use now or before that. */
function pruned(thing: StoredThing): StoredThing {
  const used = new Set([thing.active, thing.before.at(-1)]);
  let spare = thing.versions.length - maxVersions;
  const versions = thing.versions.filter(({ version }) => used.has(version) || spare-- <= 0);
  const left = new Set(versions.map(({ version }) => version));
  return { ...thing, versions, before: thing.before.filter((version) => left.has(version)) };
}
