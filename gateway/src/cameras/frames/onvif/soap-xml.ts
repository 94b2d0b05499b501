import { DOMParser, type Element, type Node } from "@xmldom/xmldom";

/** What a camera says must be smaller. */
export const maxXmlBytes = 262_144;
const maxDepth = 60;

/** An XML element as read: names without prefixes, because cameras disagree about namespaces. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, trimmed. */
  readonly text: string;
}

/**
 * Reads a SOAP message. A document type is refused before anything is parsed (SOAP 1.2, section 5: there must be none), so that no
 * entity but the five of XML exists to be expanded. Throws with what is wrong.
 */
export function parseXml(text: string): XmlElement {
  if (text.length > maxXmlBytes) throw new Error(`an XML answer of ${text.length} characters, at most ${maxXmlBytes}`);
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw new Error("an XML answer with a document type, which SOAP forbids");
  const parser = new DOMParser({
    onError: (level, message) => {
      if (level !== "warning") throw new Error(`an answer that is no XML: ${message.split("\n")[0] ?? ""}`);
    },
  });
  const root = parser.parseFromString(text.replace(/^\uFEFF?\s+/, ""), "text/xml").documentElement;
  if (root === null) throw new Error("an answer without XML");
  return convert(root, 0);
}

function convert(element: Element, depth: number): XmlElement {
  if (depth > maxDepth) throw new Error(`an XML answer nested deeper than ${maxDepth}`);
  const children: XmlElement[] = [];
  let text = "";
  for (let node: Node | null = element.firstChild; node !== null; node = node.nextSibling) {
    if (isElement(node)) children.push(convert(node, depth + 1));
    else if (node.nodeType === node.TEXT_NODE || node.nodeType === node.CDATA_SECTION_NODE)
      text += node.nodeValue ?? "";
  }
  const attributes = new Map([...element.attributes].map(({ localName, name, value }) => [localName ?? name, value]));
  return { name: element.localName ?? element.nodeName, attributes, children, text: text.trim() };
}

function isElement(node: Node): node is Element {
  return node.nodeType === node.ELEMENT_NODE;
}

/** All elements of that name below, in the order of the document. */
export function findAll(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...findAll(child, name)]);
}

/** The text of the first element of that name below; undefined where there is none or it is empty. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  const text = element === undefined ? undefined : findAll(element, name)[0]?.text;
  return text === "" ? undefined : text;
}

export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
