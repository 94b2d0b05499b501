import { z } from "zod";

import type { Point } from "../core/site.ts";
import type { RoomView } from "./room/room-view.ts";
import { celsiusIn } from "./temperature-units.ts";

/** air: the reading · product: the estimate of the goods, once there is one · both: whichever is worse. */
export const appliesTo = z.enum(["air", "product", "both"]);
type AppliesTo = z.output<typeof appliesTo>;

/** What a limit is applied to, in the point's unit; the air until the goods can be estimated. */
export function judgedValue(
  air: number,
  applyTo: AppliesTo,
  { point, room, side }: { readonly point: Point; readonly room: RoomView; readonly side: "high" | "low" },
): number {
  const estimate = applyTo === "air" ? null : room.product;
  const product = estimate === null ? undefined : celsiusIn(point.unit, estimate.celsius);
  if (product === undefined) return air;
  if (applyTo === "product") return product;
  return side === "high" ? Math.max(air, product) : Math.min(air, product);
}
