/**
 * Text as it is stored in tags and string fields. Line protocol has no way to write a tag that ends in a backslash or has a
 * line end in it, and the client library mangles `\'` in strings, so backslash, control characters, lone surrogates and `%`
 * itself are percent-encoded; an empty text, which a tag cannot be, is a single `%`. All other text is unchanged.
 */
export function storedText(text: string): string {
  if (text === "") return "%";
  // The `u` flag makes a surrogate pair one character, so \p{Cs} matches only lone halves.
  return text.replaceAll(/[%\\\p{Cc}\p{Cs}\u2028\u2029]/gu, (character) => {
    return `%${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** The inverse of {@link storedText}. */
export function originalText(stored: string): string {
  if (stored === "%") return "";
  return stored.replaceAll(/%([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** An InfluxQL string literal. The only place where text becomes part of a query, with {@link quoteName}. */
export function quoteText(text: string): string {
  return `'${escapeControls(text).replaceAll("'", String.raw`\'`)}'`;
}

/** An InfluxQL identifier: database, retention policy, measurement, field or tag name. */
export function quoteName(name: string): string {
  return `"${escapeControls(name).replaceAll('"', String.raw`\"`)}"`;
}

/** Backslash first, then the one control character InfluxQL knows an escape for; others cannot be part of a name. */
function escapeControls(text: string): string {
  return text
    .replaceAll("\\", String.raw`\\`)
    .replaceAll("\n", String.raw`\n`)
    .replaceAll(/\p{Cc}/gu, "");
}
