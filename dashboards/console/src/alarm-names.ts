import type { Alarm, AlarmRequest } from "./api.generated.ts";
import { explain } from "./explain.ts";
import { en, type TextKey } from "./i18n/en.ts";
import { localised, t } from "./i18n/language.ts";
import { findZone } from "./store.ts";

function known(key: string): TextKey | undefined {
  // Every key of the texts is a TextKey; Object.hasOwn does not say so.
  return Object.hasOwn(en, key) ? (key as TextKey) : undefined;
}

/** What a kind of rule is about, in plain words. */
export function kindName(ruleKind: string): string {
  return t(known(`alarm.kind.${ruleKind}`) ?? "alarm.other");
}

export type Aside = Extract<Alarm["state"], "shelved" | "suppressed" | "out-of-service">;

/** How an alarm is put aside, if it is. */
export function asideOf({ state }: Pick<Alarm, "state">): Aside | undefined {
  return state === "shelved" || state === "suppressed" || state === "out-of-service" ? state : undefined;
}

type Place = Pick<Alarm, "siteId" | "zoneId"> & { readonly pointId?: string | null; readonly cameraId?: string | null };

export function zoneNameOf(alarm: Place): string {
  const row = findZone(alarm.siteId, alarm.zoneId);
  if (row !== undefined) return localised(row.zone.name);
  return alarm.zoneId === "gateway" ? t("alarm.gateway") : alarm.zoneId || alarm.siteId;
}

/** The point or camera it is about, where the room has several; empty where the room says enough. */
export function partNameOf({ siteId, zoneId, pointId = null, cameraId = null }: Place): string {
  const zone = findZone(siteId, zoneId)?.zone;
  const camera = zone?.cameras.find((one) => one.cameraId === cameraId);
  if (camera !== undefined) return localised(camera.name);
  const point = zone?.points.find((one) => one.pointId === pointId);
  if (point === undefined) return zone === undefined ? (pointId ?? cameraId ?? "") : "";
  const alike = zone?.points.filter(({ quantity }) => quantity === point.quantity).length ?? 0;
  if (alike < 2) return "";
  const name = localised(point.name);
  const isUnique = zone?.points.filter((one) => localised(one.name) === name).length === 1;
  return isUnique ? name : `${name} ${point.pointId}`;
}

/** What became of a request that the gateway did not carry out. */
export function requestText(request: AlarmRequest, timeZone: string, nowMs: number): string {
  const values = { actor: request.actor, what: t(`alarm.request.${request.kind}`) };
  if (request.status === "expired") return t("alarm.request.expired", values);
  if (request.status === "superseded") return t("alarm.request.superseded", values);
  const { outcome } = request;
  const reason = outcome?.parameters["reason"];
  if (typeof reason !== "string") {
    const why = outcome === null ? "–" : explain(outcome, timeZone, nowMs);
    return t("alarm.request.failed", { ...values, why });
  }
  const key = known(`alarm.refusal.${reason}`);
  const why = key === undefined ? t("alarm.refusal.other", { reason }) : t(key);
  return t("alarm.request.failed", { ...values, why });
}
