import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

import { fromBinary } from "@bufbuild/protobuf";

import { SealedBatchSchema } from "./generated/frostlight/v1/frostlight_pb.ts";
import { contractLimits } from "./limits.ts";
import type { Decoded } from "./model.ts";
import { WireWriter } from "./wire-writer.ts";

/** The previous hash of an epoch's first batch. */
export const zeroHash = "0".repeat(64);

/** SHA-256 as 64 lower-case hex digits. */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A batch body with its signature, as encoded bytes. */
export interface Sealed {
  readonly body: Uint8Array;
  /** Ed25519 over `body`, 64 bytes. */
  readonly signature: Uint8Array;
}

/** Signs a batch body (RFC 8032 Ed25519). */
export function sealBody(body: Uint8Array, privateKey: KeyObject): Sealed {
  return { body, signature: sign(null, body, privateKey) };
}

/** True when the signature is that key's over that body. */
export function verifySealed(sealed: Sealed, publicKey: KeyObject): boolean {
  return sealed.signature.length === 64 && verify(null, sealed.body, publicKey, sealed.signature);
}

/** SealedBatch message bytes: what lies in the journal and goes over the wire. */
export function encodeSealed({ body, signature }: Sealed): Uint8Array {
  const out = new WireWriter(body.length + signature.length + 16);
  for (const [field, content] of [body, signature].entries()) {
    if (content.length === 0) continue;
    out.tag(field + 1, 2);
    out.bytes(content);
  }
  return out.result();
}

export function decodeSealed(bytes: Uint8Array): Decoded<Sealed> {
  if (bytes.length > contractLimits.batchBytes + 128) {
    return { kind: "invalid", reason: `batch of ${bytes.length} bytes, at most ${contractLimits.batchBytes} allowed` };
  }
  try {
    const message = fromBinary(SealedBatchSchema, bytes);
    return { kind: "ok", value: { body: message.body, signature: message.signature } };
  } catch (error) {
    return { kind: "invalid", reason: `not a sealed batch: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** A gateway's signing key. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function generateSigningKey(): SigningKey {
  return signingKeyFrom(generateKeyPairSync("ed25519").privateKey);
}

/** From a PKCS #8 PEM file's text. Throws when it is not an Ed25519 key. */
export function signingKeyFromPem(pem: string): SigningKey {
  return signingKeyFrom(createPrivateKey(pem));
}

/** PKCS #8 PEM text of the private key. */
export function signingKeyToPem(key: SigningKey): string {
  return key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** A verification key from 32 raw bytes. Throws when they are not a point on the curve. */
export function publicKeyFromRaw(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** What an enrolling gateway signs to prove that it holds its key. */
export function enrolProofText(token: string): Uint8Array {
  return Buffer.from(`frostlight-enrol-v1\n${token}`, "utf8");
}

/** What a gateway signs to show that a certificate request (PKCS #10, DER) is its own. */
export function csrProofText(csr: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from("frostlight-csr-v1\n", "utf8"), csr]);
}

/** What the server signs when it sends a configuration. */
export function configurationText(gatewayId: string, version: number, yaml: string): Uint8Array {
  return Buffer.from(`frostlight-config-v1\n${gatewayId}\n${version}\n${yaml}`, "utf8");
}

function signingKeyFrom(privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyType !== "ed25519") {
    throw new TypeError(`expected an Ed25519 private key, found ${String(privateKey.asymmetricKeyType)}`);
  }
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  return { privateKey, publicKey: Buffer.from(x ?? "", "base64url") };
}
