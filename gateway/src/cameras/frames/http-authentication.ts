import { createHash } from "node:crypto";

/** Who we are to a camera. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** RFC 7616 names → Node's; the "-sess" variants are handled beside it. */
const hashes: Readonly<Record<string, string>> = { MD5: "md5", "SHA-256": "sha256", "SHA-512-256": "sha512-256" };

/**
 * Answers a camera's 401 by HTTP Digest (RFC 7616, and RFC 2069 without qop) or, where it offers nothing else, Basic. Nothing is
 * sent before it asks; one that ever offered Digest never gets the password itself.
 */
export class HttpAuthentication {
  readonly #account: Account;
  readonly #nonce: () => string;
  #chosen: Challenge | undefined;
  #sawDigest = false;
  #count = 0;

  constructor(account: Account, clientNonce: () => string) {
    this.#account = account;
    this.#nonce = clientNonce;
  }

  /** The header for the next request; undefined before the first challenge. */
  header(method: string, url: string): string | undefined {
    const chosen = this.#chosen;
    if (chosen === undefined) return undefined;
    if (chosen.scheme === "digest") return this.#digest(chosen.parameters, method, url);
    const { username, password } = this.#account;
    return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
  }

  /** Takes what came with a 401; false when none of it can be answered. */
  challenge(header: string | null): boolean {
    const offered = parseChallenges(header ?? "");
    const digests = offered.filter(({ scheme, parameters }) => scheme === "digest" && hashOf(parameters) !== undefined);
    if (digests.length > 0) this.#sawDigest = true;
    const best = digests.find(({ parameters }) => hashOf(parameters) !== "md5") ?? digests[0];
    const basic = this.#sawDigest ? undefined : offered.find(({ scheme }) => scheme === "basic");
    this.#chosen = best ?? basic;
    this.#count = 0;
    return this.#chosen !== undefined;
  }

  #digest(parameters: ReadonlyMap<string, string>, method: string, url: string): string {
    const { username, password } = this.#account;
    const hash = (text: string): string =>
      createHash(hashOf(parameters) ?? "md5")
        .update(text, "utf8")
        .digest("hex");
    const { pathname, search } = new URL(url);
    const uri = pathname + search;
    const realm = parameters.get("realm") ?? "";
    const nonce = parameters.get("nonce") ?? "";
    const opaque = parameters.get("opaque");
    const algorithm = parameters.get("algorithm");
    const withQop = (parameters.get("qop") ?? "").split(",").some((one) => one.trim().toLowerCase() === "auth");
    this.#count += 1;
    const count = this.#count.toString(16).padStart(8, "0");
    const clientNonce = this.#nonce();
    const plain = hash(`${username}:${realm}:${password}`);
    const session = algorithm?.toLowerCase().endsWith("-sess") ?? false;
    const secret = session ? hash(`${plain}:${nonce}:${clientNonce}`) : plain;
    const asked = hash(`${method}:${uri}`);
    const response = hash(
      withQop ? `${secret}:${nonce}:${count}:${clientNonce}:auth:${asked}` : `${secret}:${nonce}:${asked}`,
    );
    const identity = `username=${quoted(username)}, realm=${quoted(realm)}, nonce=${quoted(nonce)}`;
    const fields = [identity, `uri=${quoted(uri)}`, `response="${response}"`];
    if (algorithm !== undefined) fields.push(`algorithm=${algorithm}`);
    if (opaque !== undefined) fields.push(`opaque=${quoted(opaque)}`);
    if (withQop) fields.push("qop=auth", `nc=${count}`);
    if (withQop || session) fields.push(`cnonce="${clientNonce}"`);
    return `Digest ${fields.join(", ")}`;
  }
}

function hashOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const algorithm = (parameters.get("algorithm") ?? "MD5").toUpperCase().replace(/-SESS$/, "");
  return hashes[algorithm];
}

function quoted(text: string): string {
  // fetch takes Latin-1 only in headers; UTF-8 bytes go as such
  return `"${Buffer.from(text.replaceAll(/["\\]/g, String.raw`\$&`), "utf8").toString("latin1")}"`;
}

/** `Digest realm="a, b", nonce="…", Basic realm="c"`: schemes are words that no "=" follows. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const token = /\s*,?\s*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/y;
  for (let match = token.exec(header); match !== null; match = token.exec(header)) {
    const [, name = "", inQuotes, bare] = match;
    const value = inQuotes?.replaceAll(/\\(.)/g, "$1") ?? bare;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return challenges;
}
