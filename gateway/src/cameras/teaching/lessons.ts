import { isFrostlightError } from "@frostlight/kernel";

import type { TeachCaller, TeachOutcome, TeachRefusal, TeachRequest } from "../../core/teaching.ts";
import type { ExampleMaker } from "./example-maker.ts";
import type { HeadBench } from "./head-bench.ts";
import { countAnswers, describeWeaknesses } from "./quality.ts";
import type { TeachingLedger } from "./teaching-ledger.ts";
import type { StoredThing } from "./teaching-memory.ts";
import { describeMark, describeMistakes, describeUse, describeVersion, qualityOf } from "./thing-view.ts";

const maxThings = 32;

interface LessonParts {
  readonly ledger: TeachingLedger;
  readonly bench: HeadBench;
  readonly examples: ExampleMaker;
  readonly cameraIds: ReadonlySet<string>;
}

type Lesson = Exclude<TeachRequest, { readonly kind: "learn-anew" }>;
type Of<K extends TeachRequest["kind"]> = Extract<TeachRequest, { readonly kind: K }>;

/** The steps of teaching. Each is on disk, in force and with its record when resolved with `done`. */
export class Lessons {
  readonly #parts: LessonParts;

  constructor(parts: LessonParts) {
    this.#parts = parts;
  }

  async take(request: Lesson, caller: TeachCaller): Promise<TeachOutcome> {
    if (request.kind === "define-thing") return this.#define(request, caller);
    const thing = this.#parts.ledger.thing(request.thing);
    if (thing === undefined) return refused("unknown-thing", `nothing called "${request.thing}" is being taught`);
    if (request.kind === "mark") return this.#mark(thing, request, caller);
    if (request.kind === "unmark") return this.#unmark(thing, request, caller);
    if (request.kind === "fit") return this.#fit(thing, caller);
    if (request.kind === "activate") return this.#activate(thing, request, caller);
    if (request.kind === "deactivate") return this.#deactivate(thing, caller);
    if (request.kind === "roll-back") return this.#rollBack(thing, caller);
    return this.#remove(thing, caller);
  }

  async #define({ kind: _kind, ...request }: Of<"define-thing">, caller: TeachCaller): Promise<TeachOutcome> {
    const { ledger, cameraIds } = this.#parts;
    const unknown = request.cameras.find((id) => !cameraIds.has(id));
    if (unknown !== undefined) return refused("unknown-camera", `there is no camera "${unknown}"`);
    const known = ledger.thing(request.thing);
    if (known === undefined && ledger.memory.things.length >= maxThings) {
      return refused("too-many-things", `${maxThings} things are taught already; remove one first`);
    }
    if (known !== undefined && known.on !== request.on && known.examples.length > 0) {
      return refused("invalid", `"${request.thing}" has examples of ${known.on}: they say nothing about ${request.on}`);
    }
    const next: StoredThing = {
      ...(known ?? { examples: [], versions: [], nextVersion: 1, active: null, before: [] }),
      ...request,
    };
    const about = ({ name, on, cameras }: StoredThing): string =>
      `${name.zh} / ${name.en}, ${on}, ${cameras.join(", ")}`;
    await ledger.keepThing(next, { before: known === undefined ? "" : about(known), after: about(next) }, caller);
    return { kind: "done" };
  }

  async #mark(thing: StoredThing, { picture, region, answer }: Of<"mark">, caller: TeachCaller): Promise<TeachOutcome> {
    const { ledger, examples } = this.#parts;
    const made = await examples.fromPicture(thing, picture, region, answer, caller.actor);
    if (made.kind === "refused") return made;
    const next = withExample(thing, made.example);
    const { crop } = made.example;
    await ledger.keepThing(next, changeOfMarks(thing, next, describeMark(made.example)), caller);
    void examples.lookAhead(next, made.example);
    return { kind: "done", crop };
  }

  async #unmark(thing: StoredThing, { crop }: Of<"unmark">, caller: TeachCaller): Promise<TeachOutcome> {
    const examples = thing.examples.filter((example) => example.crop !== crop);
    if (examples.length === thing.examples.length) return refused("unknown-crop", `there is no crop ${crop}`);
    const next = { ...thing, examples };
    await this.#parts.ledger.keepThing(next, changeOfMarks(thing, next, `${crop.slice(0, 12)} removed`), caller);
    return { kind: "done" };
  }

  async #fit(thing: StoredThing, caller: TeachCaller): Promise<TeachOutcome> {
    let next: StoredThing;
    try {
      next = await this.#parts.bench.fit(thing, { by: caller.actor, suggested: false });
    } catch (error) {
      if (isFrostlightError(error, "head/too-few-examples")) return refused("too-few-examples", error.message);
      if (isFrostlightError(error, "teaching/no-detector")) return refused("no-detector", error.message);
      throw error;
    }
    const version = next.versions.at(-1);
    if (version === undefined) throw new Error("a fit made no version");
    const after = `${describeVersion(version)} fitted${describeMistakes(version)}`;
    await this.#parts.ledger.keepThing(next, { before: describeUse(thing), after }, caller);
    return { kind: "done", version: version.version };
  }

  async #activate(thing: StoredThing, request: Of<"activate">, caller: TeachCaller): Promise<TeachOutcome> {
    const version = thing.versions.find((candidate) => candidate.version === request.version);
    const quality = version === undefined ? undefined : qualityOf(version);
    if (version === undefined || quality === undefined) {
      return refused("unknown-version", `"${thing.thing}" has no version ${request.version}`);
    }
    const weaknesses = describeWeaknesses(countAnswers(version.examples), quality);
    if (weaknesses !== "" && !request.acceptWeak) return refused("too-weak", weaknesses);
    const before =
      thing.active === null || thing.active === version.version ? thing.before : [...thing.before, thing.active];
    const versions = thing.versions.map((old) =>
      old === version ? { ...old, suggested: false, acceptedWeak: weaknesses !== "" } : old,
    );
    await this.#use({ ...thing, versions, active: version.version, before: before.slice(-20) }, thing, caller);
    return { kind: "done", version: version.version };
  }

  async #deactivate(thing: StoredThing, caller: TeachCaller): Promise<TeachOutcome> {
    if (thing.active === null) return refused("not-active", `"${thing.thing}" is not in use`);
    const before = [...thing.before, thing.active].slice(-20);
    await this.#use({ ...thing, active: null, before }, thing, caller);
    return { kind: "done" };
  }

  async #rollBack(thing: StoredThing, caller: TeachCaller): Promise<TeachOutcome> {
    const active = thing.before.at(-1);
    if (active === undefined) return refused("nothing-before", `"${thing.thing}" had no other version in use before`);
    await this.#use({ ...thing, active, before: thing.before.slice(0, -1) }, thing, caller);
    return { kind: "done", version: active };
  }

  async #remove(thing: StoredThing, caller: TeachCaller): Promise<TeachOutcome> {
    const { ledger, bench } = this.#parts;
    const things = ledger.memory.things.filter((other) => other.thing !== thing.thing);
    const before = `${describeUse(thing)}, ${thing.examples.length} examples`;
    await ledger.keep(
      { things },
      { subject: `taught:${thing.thing}`, what: "teaching", before, after: "removed" },
      caller,
    );
    await bench.load();
    return { kind: "done" };
  }

  async #use(next: StoredThing, thing: StoredThing, caller: TeachCaller): Promise<void> {
    const { ledger, bench } = this.#parts;
    await ledger.keepThing(next, { before: describeUse(thing), after: describeUse(next) }, caller);
    await bench.load();
  }
}

export function refused(reason: TeachRefusal, message: string): Extract<TeachOutcome, { readonly kind: "refused" }> {
  return { kind: "refused", reason, message };
}

/** The same crop marked again stands with its new answer. */
export function withExample(thing: StoredThing, example: StoredThing["examples"][number]): StoredThing {
  return { ...thing, examples: [...thing.examples.filter(({ crop }) => crop !== example.crop), example] };
}

export function changeOfMarks(before: StoredThing, after: StoredThing, what: string) {
  const counted = ({ examples }: StoredThing): string => {
    const { yes, no } = countAnswers(examples);
    return `${yes} yes, ${no} no`;
  };
  return { before: counted(before), after: `${counted(after)}: ${what}` };
}
