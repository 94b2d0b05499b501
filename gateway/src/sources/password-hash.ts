import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";

import { FrostlightError } from "@frostlight/kernel";

/** 16 MiB and some 50 ms on a small computer; a device connects seldom. */
const cost = { N: 16_384, r: 8, p: 1 } as const;
const keyBytes = 32;
const pattern = /^\$scrypt\$N=(\d{1,7}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/=]{16,64})\$([A-Za-z0-9+/=]{32,128})$/;

/** A password as it may lie in a file: `$scrypt$N=…,r=…,p=…$<salt>$<key>`, base64. */
export interface PasswordHash {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** Makes the line that `passwordHash` refers to. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, { ...cost, salt, key: Buffer.alloc(keyBytes) });
  return `$scrypt$N=${cost.N},r=${cost.r},p=${cost.p}$${salt.toString("base64")}$${key.toString("base64")}`;
}

/** Throws `config/password-hash` for anything else than what {@link hashPassword} makes; never shows it. */
export function parsePasswordHash(text: string, username: string): PasswordHash {
  const [, n, r, p, salt, key] = pattern.exec(text.trim()) ?? [];
  const parsed = { N: Number(n), r: Number(r), p: Number(p) };
  const isUsable = parsed.N >= 1_024 && Number.isInteger(Math.log2(parsed.N)) && 128 * parsed.N * parsed.r <= 2 ** 26;
  if (salt === undefined || key === undefined || !isUsable || parsed.p < 1) {
    const message = `the password hash of user "${username}" is none: expected $scrypt$N=16384,r=8,p=1$<salt>$<key>`;
    throw new FrostlightError("config/password-hash", "config", message);
  }
  return { ...parsed, salt: Buffer.from(salt, "base64"), key: Buffer.from(key, "base64") };
}

/** Takes the same time for every password. */
export async function matchesPassword(password: Uint8Array, hash: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, hash), hash.key);
}

/** For users that do not exist: costs as much as one that does, and matches nothing. */
export const nobodysHash: PasswordHash = { ...cost, salt: Buffer.alloc(16), key: Buffer.alloc(keyBytes) };

const processKey = randomBytes(32);

/** Compares secrets within this process, without keeping them. */
export function fingerprint(secret: string | Uint8Array): Buffer {
  return createHmac("sha256", processKey).update(secret).digest();
}

function derive(password: string | Uint8Array, { N, r, p, salt, key }: PasswordHash): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, key.byteLength, { N, r, p, maxmem: 2 ** 27 }, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}
