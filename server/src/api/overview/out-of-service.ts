import type { ExplanationParameter, SiteDescription } from "@frostlight/contract";

import type { SubjectHealth } from "../../core/records.ts";

const purposes = ["maintenance", "calibration", "other"] as const;
export type ServicePurpose = (typeof purposes)[number];

export interface OutOfService {
  readonly target: { readonly kind: "zone" | "point" | "camera"; readonly id: string };
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly actor: string;
  readonly purpose: ServicePurpose;
  readonly reason: string;
}

/** The reason as it goes to the gateway: the purpose stands before it. */
export function serviceReason(purpose: ServicePurpose, reason: string): string {
  return purpose === "other" ? reason : `${purpose}: ${reason}`;
}

/** What a site's gateways said is out of service now. What was to end by itself has ended, also unheard. */
export function outOfServiceNow(health: readonly SubjectHealth[], nowMs: number): readonly OutOfService[] {
  return health.flatMap(({ subject, state, timeMs, explanation: { parameters } }) => {
    const [, kind, id] = /^service:(zone|point|camera):(.+)$/s.exec(subject) ?? [];
    const until = parameters["until"];
    if (id === undefined || state !== "out-of-service" || typeof until !== "object" || until.timeMs <= nowMs) return [];
    if (kind !== "zone" && kind !== "point" && kind !== "camera") return [];
    const said = textOf(parameters["reason"]);
    const purpose = purposes.find((one) => said.startsWith(`${one}: `)) ?? "other";
    const reason = purpose === "other" ? said : said.slice(purpose.length + 2);
    const actor = textOf(parameters["actor"]);
    return [{ target: { kind, id }, sinceMs: timeMs, untilMs: until.timeMs, actor, purpose, reason }];
  });
}

function textOf(parameter: ExplanationParameter | undefined): string {
  return typeof parameter === "string" ? parameter : "";
}

/** Of these, what concerns a room: itself, its points, its cameras. */
export function ofZone(
  all: readonly OutOfService[],
  { points, cameras }: Pick<SiteDescription, "points" | "cameras">,
  zoneId: string,
): readonly OutOfService[] {
  return all.filter(({ target: { kind, id } }) => {
    if (kind === "zone") return id === zoneId;
    if (kind === "point") return points.some((point) => point.zoneId === zoneId && point.pointId === id);
    return cameras.some((camera) => camera.zoneId === zoneId && camera.cameraId === id);
  });
}
