/** A shape beside every state: colour alone says nothing. */
const glyphs = { normal: "●", outside: "△", warning: "▲", high: "◆", critical: "■", unknown: "◌" };

/** Makes an element; strings become text, never markup. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

export const stateMark = (state, word) => make("span", `state ${state}`, `${glyphs[state]} ${word}`);

/** Brings a list to `items`, keeping the elements of unchanged ones so that focus and scrolling stay. */
export function fill(list, items, keyOf, build) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const made = build(item);
    made.dataset.key = key;
    let element = known.get(key);
    known.delete(key);
    if (element === undefined) element = made;
    else if (
      !element.contains(document.activeElement) &&
      !element.querySelector("details[open]") &&
      !element.isEqualNode(made)
    ) {
      element.replaceWith(made);
      element = made;
    }
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  }
  for (const gone of known.values()) gone.remove();
}
