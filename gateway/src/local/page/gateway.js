import { duration, language, locale, t } from "./format.js";

/** What this page knows of the gateway. */
export const gateway = {
  status: undefined,
  discovered: [],
  foundCameras: [],
  foundCamerasSum: "",
  explanations: {},
  /** performance.now() of the last good answer. */
  heardAt: performance.now(),
};

/** The gateway's time now, as far as this page knows. */
export const nowMs = () => gateway.status.nowMs + (performance.now() - gateway.heardAt);

export const age = (timeMs) => (nowMs() - timeMs < 5_000 ? t.justNow : t.ago(duration(nowMs() - timeMs)));

export const day = (timeMs) => new Date(timeMs).toLocaleDateString(locale);

export function clockTime(timeMs) {
  const date = new Date(timeMs);
  const time = date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  const isToday = date.toDateString() === new Date(nowMs()).toDateString();
  return isToday ? `${t.today} ${time}` : `${date.toLocaleDateString(locale)} ${time}`;
}

/** A sentence for an explanation; an unknown code of a newer version still shows its code and values. */
export function sentence({ code, parameters }) {
  const text = gateway.explanations[code]?.[language];
  if (text === undefined) return `${code} ${JSON.stringify(parameters)}`;
  return text.replace(/\{(\w+)\}/g, (_match, name) => {
    const value = parameters[name];
    if (value === undefined) return "—";
    if (typeof value === "number") return value.toLocaleString(locale, { maximumFractionDigits: 2 }).replace("-", "−");
    return typeof value === "string" ? value : clockTime(value.timeMs);
  });
}

export const zoneOf = (zoneId) => gateway.status.zones.find((zone) => zone.zoneId === zoneId);
export const zoneName = (zoneId) => zoneOf(zoneId)?.name[language] ?? (zoneId === "gateway" ? t.gateway : zoneId);
export const pointName = (id) =>
  gateway.status.points.find(({ point }) => point.pointId === id)?.point.name[language] ?? id;
