import { createHash } from "node:crypto";

import type { EvidenceReference, EvidenceRole } from "@frostlight/contract";

import type { MemoryState } from "../../server/src/api/testing/memory-state.ts";
import { kitchenPicture } from "./kitchen-picture.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Kitchen hours of the preparation camera. */
export const operatingHours = [
  { days: ["mon", "tue", "wed", "thu", "fri", "sat"] as const, from: "06:00", to: "18:00" },
];

type Place = { readonly organisationId: string; readonly siteId: string; readonly gatewayId: string };

/** Thirty days of two cameras: one known for three weeks with a few faults, one covered since a while. */
export async function fillCameraHealth(state: MemoryState, place: Place, nowMs: number): Promise<void> {
  const tell = (camera: string, status: string, agoMs: number, evidence?: readonly EvidenceReference[]): void => {
    state.healthHistory.push({
      ...place,
      subject: `camera:${camera}`,
      state: status,
      timeMs: nowMs - agoMs,
      explanation: { code: `camera-${status}`, parameters: {} },
      ...(evidence === undefined ? {} : { evidence }),
    });
  };
  const pictures = [await keep(state, place, 300, "before", nowMs), await keep(state, place, 620, "after", nowMs)];
  tell("prep-cam", "ok", 23 * dayMs);
  tell("prep-cam", "offline", 12 * dayMs);
  tell("prep-cam", "ok", 9.5 * dayMs);
  tell("prep-cam", "starting", 6 * dayMs);
  tell("prep-cam", "ok", 5 * dayMs);
  tell("prep-cam", "covered", 2 * dayMs, pictures);
  tell("prep-cam", "ok", 2 * dayMs - 9 * hourMs);
  tell("store-cam", "ok", 40 * dayMs);
  tell("store-cam", "covered", 8 * 60_000, pictures);
}

async function keep(
  state: MemoryState,
  { organisationId, siteId }: Place,
  x: number,
  role: EvidenceRole,
  nowMs: number,
): Promise<EvidenceReference> {
  const data = await kitchenPicture({ x });
  const sha256 = createHash("sha256").update(data).digest("hex");
  const known = { sha256, mediaType: "image/jpeg", sizeBytes: data.length };
  state.files.set(sha256, { organisationId, data, info: { ...known, siteId, role: null, storedMs: nowMs } });
  return { ...known, role };
}
