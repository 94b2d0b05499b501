import { createHash } from "node:crypto";

import type { Random } from "@frostlight/kernel";

/** 256 bits, for cookies and one-time tokens. */
export function newToken(random: Random): string {
  return Buffer.from(random.bytes(32)).toString("base64url");
}

/** What is stored of a token: its SHA-256, hex. */
export function hashOfToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** `__Host-` ties the cookie to this host and to TLS; browsers refuse that name on plain http. */
export function sessionCookieName(secure: boolean): string {
  return secure ? "__Host-frostlight" : "frostlight-session";
}

/** The attributes of the session cookie. */
export function sessionCookieAttributes(secure: boolean): {
  readonly path: "/";
  readonly httpOnly: true;
  readonly sameSite: "strict";
  readonly secure: boolean;
} {
  return { path: "/", httpOnly: true, sameSite: "strict", secure };
}
