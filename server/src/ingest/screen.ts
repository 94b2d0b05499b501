import { type KeyObject, verify } from "node:crypto";

import {
  type Batch,
  decodeBatch,
  decodeSealed,
  publicKeyFromRaw,
  type Sealed,
  sha256Hex,
  zeroHash,
} from "@frostlight/contract";

import type { KnownGateway } from "../core/ingest.ts";

/** Keys kept ready; making one costs about as much as a verification. */
const cachedKeys = 10_000;

/** A batch that its gateway certainly made. */
export interface AuthenticBatch {
  readonly kind: "authentic";
  readonly gateway: KnownGateway;
  readonly batch: Batch;
  readonly hash: string;
  readonly signature: Uint8Array;
}

/** Bytes that are not believed, and as much of their address as can be told. */
export interface RefusedBytes {
  readonly kind: "refused";
  readonly reason: string;
  /** For people: what exactly was wrong. */
  readonly detail: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly authentic: boolean;
}

/** Decides whether bytes are a batch of the gateway that brought them. Knows nothing of the chain. */
export class Screen {
  readonly #keys = new Map<string, KeyObject>();

  async check(
    gatewayId: string,
    bytes: Uint8Array,
    gateway: KnownGateway | undefined,
  ): Promise<AuthenticBatch | RefusedBytes> {
    const sealed = decodeSealed(bytes);
    if (sealed.kind === "invalid") return refused("malformed", sealed.reason);
    if (gateway === undefined) return refused("gateway-unknown", `no gateway ${gatewayId}`);
    if (gateway.revoked) return this.#refuse("gateway-revoked", "this gateway was revoked", sealed.value);
    if (!(await isSigned(sealed.value, this.#key(gateway.publicKey)))) {
      return this.#refuse("signature-invalid", "the signature is not this gateway's", sealed.value);
    }
    const decoded = decodeBatch(sealed.value.body);
    if (decoded.kind === "invalid") return { ...refused("malformed", decoded.reason), authentic: true };
    const batch = decoded.value;
    const address = { epoch: batch.epoch, sequence: batch.sequence, authentic: true };
    if (batch.gatewayId !== gatewayId) {
      return { ...refused("gateway-mismatch", `a batch of ${batch.gatewayId}`), ...address };
    }
    if ((batch.sequence === 1) !== (batch.previousHash === zeroHash)) {
      return { ...refused("chain-broken", "only the first batch has no previous one"), ...address };
    }
    return {
      kind: "authentic",
      gateway,
      batch,
      hash: sha256Hex(sealed.value.body),
      signature: sealed.value.signature,
    };
  }

  /** The address is taken from unproven bytes: good for telling the sender, for nothing else. */
  #refuse(reason: string, detail: string, sealed: Sealed): RefusedBytes {
    const claimed = decodeBatch(sealed.body);
    const address = claimed.kind === "ok" ? { epoch: claimed.value.epoch, sequence: claimed.value.sequence } : {};
    return { ...refused(reason, detail), ...address };
  }

  #key(publicKeyHex: string): KeyObject {
    const known = this.#keys.get(publicKeyHex);
    if (known !== undefined) return known;
    const key = publicKeyFromRaw(Buffer.from(publicKeyHex, "hex"));
    if (this.#keys.size >= cachedKeys) this.#keys.clear();
    this.#keys.set(publicKeyHex, key);
    return key;
  }
}

/** Ed25519 on Node's thread pool: it is most of the ingest's work, and the event loop has other things to do. */
function isSigned({ body, signature }: Sealed, key: KeyObject): Promise<boolean> {
  if (signature.length !== 64) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(null, body, key, signature, (error, isValid) => {
      if (error === null) resolve(isValid);
      else reject(error);
    });
  });
}

function refused(reason: string, detail: string): RefusedBytes {
  return { kind: "refused", reason, detail, epoch: "", sequence: 0, authentic: false };
}
