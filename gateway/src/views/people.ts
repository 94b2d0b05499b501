import { z } from "zod";

import { actKinds } from "../core/view.ts";

/** What somebody may do to alarms through a view; nothing that is not named. */
export const rights = z.array(z.enum(actKinds)).max(actKinds.length);

/** A duration asked for instead of a point in time. */
export const longestMinutes = 30 * 24 * 60;

/** Who did it, as the record says it: the person if a panel names one, and by which way it came. */
export function actorOf(user: string, person: string, way: string): string {
  return person === "" ? `${user} (${way})` : `${person} (${user}, ${way})`;
}
