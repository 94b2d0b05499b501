import { z } from "zod";

import type { Scope } from "../core/records.ts";
import type { TeachingRecords } from "../core/teaching-records.ts";
import type { cameraLearning } from "./camera-health-schemas.ts";

type Learning = z.output<typeof cameraLearning>;

const shown = 4;
const step = z.object({
  kind: z.literal("learn-anew"),
  cameraId: z.string(),
  what: z.enum(["scene", "health"]),
  reason: z.string(),
});

/** What of a camera was learnt anew, or is asked to be, newest first: the gateways' own records, and requests not yet in them. */
export async function learningOf(
  state: Pick<TeachingRecords, "teaching">,
  scope: Scope,
  gatewayIds: readonly string[],
  cameraId: string,
): Promise<readonly Learning[]> {
  const found: Learning[] = [];
  for (const gatewayId of gatewayIds) {
    const { changes = [], commands = [] } = (await state.teaching(scope, gatewayId)) ?? {};
    for (const { subject, after, author: actor, reason, timeMs } of changes) {
      if (subject !== `camera:${cameraId}`) continue;
      const what = after.startsWith("the scene") ? "scene" : "health";
      const isLearnt = after.includes(" is learnt: ");
      found.push({ what, actor, reason, timeMs, status: "done", isLearnt, outcome: null });
    }
    for (const { command, status, outcome } of commands) {
      const { action, actor, issuedAtMs: timeMs } = command;
      if (action.kind !== "teach" || status === "done") continue;
      const asked = step.safeParse(parsed(action.requestJson));
      if (!asked.success || asked.data.cameraId !== cameraId) continue;
      const { what, reason } = asked.data;
      found.push({ what, actor, reason, timeMs, status, isLearnt: false, outcome });
    }
  }
  return found.toSorted((a, b) => b.timeMs - a.timeMs).slice(0, shown);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
