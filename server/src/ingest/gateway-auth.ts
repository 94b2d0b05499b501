import { createHash, timingSafeEqual } from "node:crypto";

import { contractLimits } from "@frostlight/contract";

import type { GatewayAccess, KnownGateway } from "../core/ingest.ts";

export type AuthResult =
  | { readonly kind: "ok"; readonly gateway: KnownGateway }
  | { readonly kind: "refused"; readonly reason: "credentials-missing" | "credentials-wrong" | "gateway-revoked" };

/** Longer secrets than we ever give out are not even hashed. */
const maxSecretBytes = 256;

/**
 * Checks a gateway's id and secret. The secret is 256 random bits, so a plain SHA-256 is enough; compared in constant
 * time, and an unknown id takes the same path.
 */
export async function authenticateGateway(
  store: Pick<GatewayAccess, "gatewayCredentials"> & Partial<Pick<GatewayAccess, "countRefusedAttempt">>,
  gatewayId: string | undefined,
  secret: Uint8Array | undefined,
): Promise<AuthResult> {
  if (gatewayId === undefined || secret === undefined || gatewayId === "") {
    return { kind: "refused", reason: "credentials-missing" };
  }
  if (gatewayId.length > contractLimits.identifierLength || secret.length > maxSecretBytes) {
    return { kind: "refused", reason: "credentials-wrong" };
  }
  const known = await store.gatewayCredentials(gatewayId);
  const given = createHash("sha256").update(secret).digest();
  const expected = Buffer.from(known?.secretHash ?? "", "hex");
  const isEqual = expected.length === given.length && timingSafeEqual(given, expected);
  if (known === undefined || !isEqual) return { kind: "refused", reason: "credentials-wrong" };
  if (!known.revoked) return { kind: "ok", gateway: known };
  // Counted if it can be; the answer is no either way.
  await store.countRefusedAttempt?.(gatewayId).catch(() => undefined);
  return { kind: "refused", reason: "gateway-revoked" };
}

/** The id and secret of an `Authorization: Basic` header, as far as there are any. */
export function basicCredentials(header: string | undefined): {
  readonly username?: string;
  readonly secret?: Uint8Array;
} {
  const encoded = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return {};
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return {};
  return { username: text.slice(0, colon), secret: Buffer.from(text.slice(colon + 1), "utf8") };
}
