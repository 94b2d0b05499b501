import { headOf, type RgbImage } from "@frostlight/edge-models";
import { describeError, type Logger } from "@frostlight/kernel";

import type { TeachCaller, TeachOutcome, VerdictRequest } from "../../core/teaching.ts";
import { type Region, taughtThingId } from "../rules/camera-rule.ts";
import { upperBody } from "../rules/people.ts";
import type { ExampleMaker } from "./example-maker.ts";
import type { FindingMemory, RememberedFinding } from "./finding-memory.ts";
import type { HeadBench } from "./head-bench.ts";
import { changeOfMarks, withExample } from "./lessons.ts";
import type { TeachingLedger } from "./teaching-ledger.ts";
import type { StoredThing } from "./teaching-memory.ts";
import { describeMark, describeMistakes, describeUse, describeVersion } from "./thing-view.ts";

const maxVerdicts = 1_000;

interface VerdictParts {
  readonly ledger: TeachingLedger;
  readonly bench: HeadBench;
  readonly examples: ExampleMaker;
  readonly findings: FindingMemory;
  readonly now: () => number;
  readonly logger: Logger;
}

/** What people say of findings. Of those of a taught rule the crops become examples, and a fit with them is suggested. */
export class Verdicts {
  readonly #parts: VerdictParts;

  constructor(parts: VerdictParts) {
    this.#parts = parts;
  }

  /** A finding older than what is remembered is judged too: its verdict is kept, it gives no examples. */
  async judge(request: VerdictRequest, caller: TeachCaller): Promise<TeachOutcome> {
    const { ledger, findings, now } = this.#parts;
    const { findingId, verdict, comment } = request;
    const finding = findings.get(findingId);
    const before = ledger.memory.verdicts.find((known) => known.findingId === findingId);
    const given = { findingId, verdict, by: caller.actor, timeMs: now() };
    const verdicts = [...ledger.memory.verdicts.filter((known) => known.findingId !== findingId), given];
    const thing = finding === undefined ? undefined : this.#thingOf(finding);
    const effect = {
      subject: `finding:${findingId}`,
      what: "verdict",
      before: before?.verdict ?? "",
      after: verdict,
      reason: comment,
    } as const;
    await ledger.keep({ verdicts: verdicts.slice(-maxVerdicts) }, effect, caller);
    if (finding !== undefined && thing !== undefined) await this.#learn(thing, finding, verdict, caller.actor);
    return { kind: "done" };
  }

  #thingOf({ heads }: RememberedFinding): StoredThing | undefined {
    const id = heads.map(taughtThingId).find((thing) => thing !== undefined);
    return id === undefined ? undefined : this.#parts.ledger.thing(id);
  }

  /** The verdict itself is kept already: what goes wrong here only leaves the examples as they are. */
  async #learn(
    thing: StoredThing,
    finding: RememberedFinding,
    verdict: VerdictRequest["verdict"],
    by: string,
  ): Promise<void> {
    const { ledger, bench, examples, logger } = this.#parts;
    const actor = { actor: by, commandId: null };
    try {
      const without = { ...thing, examples: thing.examples.filter(({ findingId }) => findingId !== finding.findingId) };
      const answer = answerOf(finding, verdict);
      const made =
        answer === undefined
          ? []
          : await examples.fromFinding(without, finding, (image) => regionsOf(thing, finding, image), answer, by);
      const next = made.reduce(withExample, without);
      if (made.length === 0 && without.examples.length === thing.examples.length) return;
      const marks = made.length === 0 ? "none" : made.map(describeMark).join(", ");
      const said = `${marks} from the verdict on finding ${finding.findingId}`;
      await ledger.keepThing(next, changeOfMarks(thing, next, said), actor);
      const suggested = await bench.fit(next, { by, suggested: true });
      const version = suggested.versions.at(-1);
      if (version === undefined) return;
      const effect = {
        before: describeUse(next),
        after: `${describeVersion(version)} suggested${describeMistakes(version)}`,
      };
      await ledger.keepThing(suggested, effect, actor);
    } catch (error) {
      logger.info("verdict-without-fit", { finding: finding.findingId, error: describeError(error) });
    }
  }
}

/** What the crops show, if the verdict says so. */
function answerOf({ explanation }: RememberedFinding, verdict: VerdictRequest["verdict"]): "yes" | "no" | undefined {
  if (verdict === "unclear") return undefined;
  const found = explanation.code === "taught-thing-there" ? "yes" : "no";
  return verdict === "true" ? found : found === "yes" ? "no" : "yes";
}

/** The same part of each person, or the same place, that the rule judged. */
function regionsOf({ on }: StoredThing, { boxes }: RememberedFinding, image: RgbImage): readonly Region[] {
  if (on === "head") return boxes.map((box) => headOf(box, image));
  return on === "upper-body" ? boxes.map(upperBody) : boxes;
}
