import { make } from "./elements.js";
import { t } from "./format.js";

/** A camera that answered on the local network, with the entry that is ready for the configuration. */
export function foundCameraRow({ endpoint, url, name, model, location, configuration }) {
  const entry = make("pre", "", ["cameras:", ...configuration].join("\n"));
  return make(
    "li",
    "",
    make("div", "", name ?? model ?? url),
    make("div", "detail muted", [model, location, url, endpoint].filter(Boolean).join(" · ")),
    make("details", "detail", make("summary", "", t.forTheFile), entry),
  );
}
