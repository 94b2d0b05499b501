import * as fc from "fast-check";
import { expect, it } from "vitest";

import { originalText, quoteName, quoteText, storedText } from "./names.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom("\\", "'", '"', "\n", "%", "\r", "a", " ", "\u0000", "\uD800", "冷"),
    maxLength: 12,
  }),
);

/** What the InfluxQL scanner makes of a quoted text: the content, if the text is one token and nothing more. */
function scan(quoted: string, quote: string): string | undefined {
  if (!quoted.startsWith(quote)) return undefined;
  let content = "";
  for (let at = 1; at < quoted.length; at += 1) {
    const character = quoted[at];
    if (character === quote) return at === quoted.length - 1 ? content : undefined;
    if (character === "\n") return undefined;
    if (character !== "\\") {
      content += character;
      continue;
    }
    at += 1;
    const escaped = quoted[at];
    if (escaped === "n") content += "\n";
    else if (escaped === "\\" || escaped === "'" || escaped === '"') content += escaped;
    else return undefined;
  }
  return undefined;
}

it("stores any text so that it comes back, without a backslash or a line end", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const stored = storedText(text);
      expect(originalText(stored)).toBe(text);
      expect(stored).not.toMatch(/\\|\p{Cc}/u);
      expect(stored).not.toBe("");
    }),
  );
});

it("stores different texts differently", () => {
  fc.assert(
    fc.property(anyText, anyText, (one, other) => {
      expect(storedText(one) === storedText(other)).toBe(one === other);
    }),
  );
});

it("leaves everyday names as they are", () => {
  for (const name of ["air", "冷库-3", "zone 1/left", "a,b=c", "it's", "Ä.é"]) expect(storedText(name)).toBe(name);
});

it("quotes any text into exactly one token of a query", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const kept = text.replaceAll(/(?!\n)\p{Cc}/gu, "");
      expect(scan(quoteText(text), "'")).toBe(kept);
      expect(scan(quoteName(text), '"')).toBe(kept);
    }),
  );
});
