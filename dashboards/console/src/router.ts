import { computed, signal } from "@preact/signals";

/** The address after `#`: a path and what refines it. It holds the whole state of a page, so a link is enough. */
export interface Location {
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export function parseLocation(hash: string): Location {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path
      .split("/")
      .filter((part) => part !== "")
      .map(decode),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** An address for `href`. */
export function linkTo(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  const text = search.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

const hash = signal(typeof location === "object" ? location.hash : "");
export const currentLocation = computed(() => parseLocation(hash.value));

export function startRouter(): void {
  addEventListener("hashchange", () => {
    hash.value = location.hash;
  });
}

/** Changes what refines the page without a new step in the history. */
export function refine(query: Readonly<Record<string, string | undefined>>): void {
  const merged = { ...currentLocation.value.query, ...query };
  history.replaceState(history.state, "", linkTo(currentLocation.value.path, merged));
  hash.value = location.hash;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
