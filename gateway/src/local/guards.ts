import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";

/** Sent with every answer. Nothing comes from elsewhere, nothing is inline, nothing may frame the page. */
export const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
  "cache-control": "no-store",
} as const;

/** Host name of a `Host` header, without port and brackets. */
function hostNameOf(host: string): string {
  return host
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "")
    .toLowerCase();
}

/**
 * Addresses, localhost and configured names only: a foreign name that was made to resolve to this machine (DNS rebinding)
 * gets nothing.
 */
export function isAllowedHost(host: string | undefined, hostNames: readonly string[]): boolean {
  if (host === undefined) return false;
  const name = hostNameOf(host);
  return name === "localhost" || isIP(name) !== 0 || hostNames.includes(name);
}

/** A browser says where a request comes from; a program that says nothing is no cross-site request. */
export function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  const { origin, host } = headers;
  return origin === undefined || origin === `http://${host ?? ""}` || origin === `https://${host ?? ""}`;
}

export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:/, "");
  return plain === "::1" || plain.startsWith("127.");
}
