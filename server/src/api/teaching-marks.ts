import { z } from "zod";

import type { StoredChange, TrackedCommand } from "../core/gateway-records.ts";
import type { Scope, StateQueries } from "../core/records.ts";
import type { teachingMark } from "./teach-schemas.ts";

type Mark = z.output<typeof teachingMark>;
type Picture = NonNullable<Mark["picture"]>;
type Unseen = Omit<Mark, "picture">;

/** Marks handed out at most, newest first. */
const shown = 60;
const region = z.object({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() });
const markStep = z.object({
  kind: z.literal("mark"),
  picture: z.object({ sha256: z.string() }),
  region,
});

/**
 * What was marked for teaching, by the gateway's own records. A crop itself never leaves its site; it is shown as the region of the
 * evidence picture that it was cut from, where that picture is here and within the scope. Crops from pictures that
 * only the gateway has are told by name.
 */
export async function marksOf(
  state: Pick<StateQueries, "evidence" | "finding">,
  scope: Scope,
  { changes, commands }: { readonly changes: readonly StoredChange[]; readonly commands: readonly TrackedCommand[] },
): Promise<readonly Mark[]> {
  const marks = standingMarks(changes).slice(0, shown);
  const asked = new Map(commands.map(({ command }) => [command.commandId, command.action]));
  return await Promise.all(
    marks.map(async ({ commandId, ...mark }) => {
      const action = commandId === null ? undefined : asked.get(commandId);
      const origin =
        action?.kind === "teach" ? pictureOfStep(action.requestJson) : await pictureOfFinding(state, scope, mark);
      const isHere = origin !== null && (await state.evidence(scope, origin.sha256)) !== undefined;
      return { ...mark, picture: isHere ? origin : null };
    }),
  );
}

/** Crops that the newest fit of a record got wrong. */
export function mistakesIn({ after }: StoredChange): readonly string[] {
  return /, most wrong: ([0-9a-f, ]+)$/.exec(after)?.[1]?.split(", ") ?? [];
}

/** Newest first; what was marked again stands with its newest answer, what was removed is left out. */
function standingMarks(changes: readonly StoredChange[]): readonly (Unseen & Pick<StoredChange, "commandId">)[] {
  const told = new Set<string>();
  const marks: (Unseen & Pick<StoredChange, "commandId">)[] = [];
  for (const { subject, after, author, timeMs, commandId } of changes) {
    if (!subject.startsWith("taught:")) continue;
    const thing = subject.replace(/^taught:/, "");
    const said = after.slice(after.indexOf(": ") + 2);
    if (after === "removed") told.add(thing);
    const removed = /^([0-9a-f]{12}) removed$/.exec(said)?.[1];
    if (removed !== undefined) told.add(`${thing} ${removed}`);
    const findingId = / from the verdict on finding (.+)$/.exec(said)?.[1] ?? null;
    for (const [, crop = "", answer] of said.matchAll(/(?:^|, )([0-9a-f]{12}) is (yes|no)\b/g)) {
      const key = `${thing} ${crop}`;
      if (told.has(thing) || told.has(key) || told.has(`finding ${findingId}`)) continue;
      told.add(key);
      marks.push({ thing, crop, answer: answer === "yes" ? "yes" : "no", author, timeMs, findingId, commandId });
    }
    // A verdict that was changed takes its former crops back.
    if (findingId !== null) told.add(`finding ${findingId}`);
  }
  return marks;
}

function pictureOfStep(requestJson: string): Picture | null {
  let json: unknown;
  try {
    json = JSON.parse(requestJson);
  } catch {
    return null;
  }
  const step = markStep.safeParse(json);
  return step.success ? { sha256: step.data.picture.sha256, region: step.data.region } : null;
}

/** Of a finding the record tells no region of each crop: the whole picture is shown. */
async function pictureOfFinding(
  state: Pick<StateQueries, "finding">,
  scope: Scope,
  { findingId }: Unseen,
): Promise<Picture | null> {
  const finding = findingId === null ? undefined : await state.finding(scope, findingId);
  const original = finding?.evidence.find(({ role, mediaType }) => role === "original" && mediaType === "image/jpeg");
  if (original === undefined) return null;
  return { sha256: original.sha256, region: { left: 0, top: 0, right: 1, bottom: 1 } };
}
