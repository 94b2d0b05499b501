import type { SigningKey } from "@frostlight/contract";

/** Who this gateway is. The id is derived from the key, so it exists before the gateway has joined a server. */
export interface Identity {
  /** `gw-` and the first 16 hex digits of the SHA-256 of the raw public key. */
  readonly gatewayId: string;
  readonly signingKey: SigningKey;
}
