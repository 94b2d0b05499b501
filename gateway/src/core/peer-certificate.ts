import { createHash, X509Certificate } from "node:crypto";

import type { PeerCertificate } from "./peer-trust.ts";

const maxTextLength = 500;
const maxChainLength = 8;

/** SHA-256 over the DER bytes, lower-case hex. */
export function fingerprintOf(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}

/** SHA-256 of the subject public key info, lower-case hex. */
export function publicKeyOf(der: Uint8Array): string {
  return fingerprintOf(new X509Certificate(der).publicKey.export({ type: "spki", format: "der" }));
}

/** Certificates of a chain as OPC UA sends it: leaf first, DER after DER (Part 6, section 6.2.6). Throws when it is none. */
export function chainOf(bytes: Uint8Array): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let at = 0; at < bytes.length && chain.length < maxChainLength;) {
    const certificate = new X509Certificate(bytes.subarray(at)).raw;
    chain.push(certificate);
    at += certificate.length;
  }
  return chain;
}

/** What a person compares. Throws when the bytes are no certificate. */
export function describePeer(der: Uint8Array, endpoint: string): PeerCertificate {
  const certificate = new X509Certificate(der);
  return {
    fingerprintSha256: fingerprintOf(der),
    publicKeySha256: publicKeyOf(der),
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    validFromMs: certificate.validFromDate.getTime(),
    validToMs: certificate.validToDate.getTime(),
    endpoint,
  };
}

function oneLine(name: string): string {
  return name.replaceAll("\n", ", ").slice(0, maxTextLength);
}
