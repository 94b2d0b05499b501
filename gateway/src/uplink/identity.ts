import { join } from "node:path";

import { generateSigningKey, sha256Hex, signingKeyFromPem, signingKeyToPem } from "@frostlight/contract";
import { readState, writeFileAtomic } from "@frostlight/kernel";

import type { Identity } from "../core/identity.ts";

/**
 * Reads the gateway's signing key from `<folder>/signing-key.pem`, or makes it (mode 0600) at the first start. A damaged
 * key file is `state/corrupt`: a new key would be a new gateway, and that is for a person to decide.
 */
export async function openIdentity(folder: string): Promise<Identity> {
  const path = join(folder, "signing-key.pem");
  const known = await readState(path, signingKeyFromPem);
  if (known !== undefined) return { gatewayId: gatewayIdOf(known.publicKey), signingKey: known };
  const signingKey = generateSigningKey();
  await writeFileAtomic(path, signingKeyToPem(signingKey), 0o600);
  return { gatewayId: gatewayIdOf(signingKey.publicKey), signingKey };
}

/** The id that belongs to a raw Ed25519 public key. */
function gatewayIdOf(publicKey: Uint8Array): string {
  return `gw-${sha256Hex(publicKey).slice(0, 16)}`;
}
