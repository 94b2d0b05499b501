import { createPublicKey, type KeyObject, type webcrypto, X509Certificate } from "node:crypto";

import type { Random } from "@frostlight/kernel";
import type * as library from "@peculiar/x509";

import type { CsrRefusal, IssuedCertificate } from "../core/authority.ts";

export type X509 = typeof library;

/** Makes and checks signatures with ECDSA P-256. */
export const signatureAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** The certificate library; it needs a polyfill of the reflection interface before it. */
export async function loadX509(): Promise<X509> {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

/** A key as the library takes it. */
export function cryptoKeyOf(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(signatureAlgorithm, key.type === "public", [key.type === "private" ? "sign" : "verify"]);
}

/** The public half of a private key. */
export function publicHalf(key: KeyObject): KeyObject {
  return createPublicKey(key);
}

/** RFC 5280, 4.1.2.2: positive, at most 20 octets; here 127 random bits. */
export function newSerial(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

/** What is kept of a certificate. */
export function describeCertificate(pem: string): IssuedCertificate {
  const certificate = new X509Certificate(pem);
  return {
    pem,
    serial: certificate.serialNumber.toLowerCase(),
    fingerprintSha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

export type CheckedRequest =
  | { readonly kind: "ok"; readonly publicKey: KeyObject }
  | { readonly kind: "refused"; readonly reason: CsrRefusal };

/**
 * Checks a request (PKCS #10, DER): made by who holds its key, a key of the one kind we certify, and for this gateway's name
 * and nothing else. Nothing the request asks for besides its key is used.
 */
export async function checkRequest(x509: X509, gatewayId: string, csr: Uint8Array): Promise<CheckedRequest> {
  let request: InstanceType<X509["Pkcs10CertificateRequest"]>;
  let publicKey: KeyObject;
  let isSigned = false;
  try {
    request = new x509.Pkcs10CertificateRequest(Buffer.from(csr));
    publicKey = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: "der", type: "spki" });
    isSigned = await request.verify();
  } catch {
    return { kind: "refused", reason: "csr-malformed" };
  }
  if (publicKey.asymmetricKeyType !== "ec" || publicKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    return { kind: "refused", reason: "csr-key-unsuitable" };
  }
  if (!isSigned) return { kind: "refused", reason: "csr-signature-wrong" };
  const name = JSON.stringify(request.subjectName.toJSON());
  if (name !== JSON.stringify([{ CN: [gatewayId] }])) return { kind: "refused", reason: "csr-name-wrong" };
  return { kind: "ok", publicKey };
}
