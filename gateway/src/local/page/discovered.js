import { reasonField } from "./alarms.js";
import { ask } from "./ask.js";
import { make } from "./elements.js";
import { language, number, t, unitSymbol } from "./format.js";
import { age, gateway } from "./gateway.js";
import { en } from "./texts-en.js";
import { zh } from "./texts-zh.js";

export const keyOfFound = ({ sourceId, label }) => `${sourceId} ${label}`;

const quantityOf = ({ quantity }) => t.quantities[quantity] ?? quantity;

function proposedNames({ quantity, label }) {
  const short = label.slice(-60);
  return quantity === "other"
    ? [short, short]
    : [`${zh.quantities[quantity]} ${short}`, `${en.quantities[quantity]} ${short}`];
}

/** The entry of the configuration file with what was chosen; the gateway made the rest of its lines. */
function entryOf(found, { id, zone, zh, en }) {
  const quoted = (text) => JSON.stringify(text);
  const [, , , ...rest] = found.configuration;
  return [
    `  - id: ${quoted(id)}`,
    `    zone: ${quoted(zone)}`,
    `    name: { zh: ${quoted(zh)}, en: ${quoted(en)} }`,
    ...rest,
  ].join("\n");
}

function open(found) {
  const [zh, en] = proposedNames(found);
  const zones = gateway.status.zones.map((zone) => [zone.zoneId, zone.name[language]]);
  ask({
    heading: t.addPoint,
    about: `${found.label} · ${quantityOf(found)}`,
    fields: [
      { name: "zone", kind: "choice", label: t.room, options: zones },
      { name: "zh", label: t.nameZh, max: 200, required: true, value: zh },
      { name: "en", label: t.nameEn, max: 200, required: true, value: en },
      { name: "id", label: t.pointId, max: 64, required: true, value: found.id },
      { ...reasonField(), value: t.newSensor },
    ],
    button: t.addPoint,
    address: "/points/add",
    bodyOf: ({ name, reason, zone, zh, en, id }) => ({
      sourceId: found.sourceId,
      label: found.label,
      id,
      zone,
      zh,
      en,
      name,
      reason,
    }),
    extra: (values) => {
      const details = make("details", "", make("summary", "", t.forTheFile), make("pre", "", entryOf(found, values)));
      details.open = document.querySelector("#ask-fields details")?.open ?? false;
      return details;
    },
  });
}

export function foundRow(found) {
  const button = make("button", "quiet", t.addPoint);
  button.type = "button";
  button.setAttribute("aria-label", `${t.addPoint}: ${found.label}`);
  button.addEventListener("click", () => open(found));
  const value =
    found.value === null
      ? make("span", "muted", t.noNumber)
      : make(
          "span",
          "",
          number(found.value, 2),
          make("small", "", ` ${found.unit === null ? "" : unitSymbol(found.unit)}`),
        );
  const detail = [found.sourceId, found.dialect ?? "", quantityOf(found), t.times(found.count), age(found.lastSeenMs)];
  return make(
    "li",
    "found",
    make("div", "", found.label),
    make("div", "side", value),
    make("div", "muted", detail.filter(Boolean).join(" · ")),
    found.value === null ? null : button,
  );
}
