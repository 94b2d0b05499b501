import { make } from "./elements.js";
import { language, locale } from "./format.js";
import { teachTexts } from "./teach-texts.js";

const t = teachTexts[language];
const percent = (value) => `${(value * 100).toLocaleString(locale, { maximumFractionDigits: 1 })} %`;
const when = (timeMs) =>
  new Date(timeMs).toLocaleString(locale, { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });

export function button(text, className, act) {
  const element = make("button", `teach-button ${className}`, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

function cropPicture(thing, crop, caption) {
  const image = make("img", "");
  image.src = `/teach/crop.jpg?thing=${encodeURIComponent(thing)}&crop=${crop}`;
  image.alt = caption;
  image.loading = "lazy";
  return image;
}

function crops(thing, examples, removable, act) {
  const list = make("div", "crops");
  for (const { crop, answer } of examples) {
    const figure = make("figure", "", cropPicture(thing, crop, t.answers[answer] ?? ""));
    if (removable) {
      const remove = make("button", "", `${t.answers[answer]} ✕`);
      remove.setAttribute("aria-label", `${t.answers[answer]}: ${t.remove}`);
      remove.type = "button";
      remove.addEventListener("click", () => act({ kind: "unmark", thing, crop }));
      figure.append(remove);
    } else figure.append(make("figcaption", "muted", t.answers[answer] ?? ""));
    list.append(figure);
  }
  return list;
}

function confusionTable(confusion) {
  const names = [t.answers.no, t.answers.yes];
  const table = make("table", "confusion");
  const head = make("tr", "", make("th", "", t.saidMarked), ...names.map((name) => make("th", "", name)));
  table.append(head);
  for (const [index, row] of confusion.entries()) {
    table.append(make("tr", "", make("th", "", names[index]), ...row.map((count) => make("td", "", String(count)))));
  }
  return table;
}

function versionCard(view, version, act) {
  const { thing, examples, active } = view;
  const { quality, weaknesses } = version;
  const isActive = version.version === active;
  const worst = quality.worst.slice(0, 8).flatMap((crop) => examples.find((example) => example.crop === crop) ?? []);
  const isWeak = weaknesses.length > 0;
  const switchOn = button(isWeak ? t.activateWeak : t.activate, isWeak ? "" : "main", () =>
    act({ kind: "activate", thing, version: version.version, acceptWeak: isWeak }),
  );
  const marks = [isActive ? t.inUse : "", version.suggested ? t.suggested : ""].filter(Boolean).join(" · ");
  return make(
    "div",
    "version",
    make("div", "title", `${t.version(version.version)} ${marks === "" ? "" : `· ${marks}`}`),
    make("div", "muted", t.made(version.by, when(version.createdMs), version.examples)),
    make(
      "div",
      "",
      make("span", "big", percent(quality.accuracy)),
      ` ${t.accuracy} · ${t.auroc} ${quality.auroc.toFixed(3)} · ${t.uncertain} ${percent(quality.uncertain)}`,
    ),
    weaknesses.length === 0
      ? null
      : make(
          "p",
          "problem",
          `▲ ${weaknesses.map((weakness) => t.weaknesses[weakness]).join(language === "zh" ? "；" : "; ")}`,
        ),
    confusionTable(quality.confusion),
    make("div", "muted", worst.length === 0 ? t.noWorst : t.worst),
    worst.length === 0 ? null : crops(thing, worst, true, act),
    make("div", "choices", isActive ? null : switchOn),
  );
}

const entryOf = ({ thing, on, places }) =>
  [
    "- kind: taught",
    `  id: ${thing}`,
    `  thing: ${thing}`,
    `  on: ${on}`,
    ...(on === "places"
      ? [
          "  places:",
          ...places.map(
            ({ left, top, right, bottom }) =>
              `    - [[${left.toFixed(3)}, ${top.toFixed(3)}], [${right.toFixed(3)}, ${top.toFixed(3)}], [${right.toFixed(3)}, ${bottom.toFixed(3)}], [${left.toFixed(3)}, ${bottom.toFixed(3)}]]`,
          ),
        ]
      : []),
    "  alarmWhen: no",
  ].join("\n");

/** What was marked and learnt of one thing, and what can be done with it. */
export function thingCards(view, { act, onExport, onRemove }) {
  const { thing, examples, versions, active, canRollBack, usedBy } = view;
  const of = (answer) => examples.filter((example) => example.answer === answer);
  const learn = make(
    "div",
    "card",
    make("div", "title", t.learn),
    make("div", "", t.marked(of("yes").length, of("no").length)),
    crops(thing, examples.toReversed(), true, act),
    make(
      "div",
      "choices",
      button(t.fit, "main", () => act({ kind: "fit", thing })),
    ),
  );
  const use = make(
    "div",
    "card",
    make("div", "title", t.versions),
    usedBy.length > 0
      ? make("div", "muted", t.usedBy(usedBy.map(({ cameraId, ruleId }) => `${cameraId}/${ruleId}`).join(", ")))
      : make("div", "", make("p", "muted", t.unused), make("pre", "", entryOf(view))),
    make(
      "div",
      "choices",
      active === null ? null : button(t.deactivate, "", () => act({ kind: "deactivate", thing })),
      canRollBack ? button(t.rollBack, "", () => act({ kind: "roll-back", thing })) : null,
    ),
    versions.length === 0 ? make("p", "muted", t.noVersion) : null,
    ...versions.map((version) => versionCard(view, version, act)),
  );
  const further = make("div", "choices", button(t.export, "", onExport), button(t.removeThing, "", onRemove));
  return [learn, use, further];
}
