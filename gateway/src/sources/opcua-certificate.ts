import { createHash, X509Certificate } from "node:crypto";
import { isIP } from "node:net";

import type { PeerCertificate } from "../core/peer-trust.ts";

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

/** Certificates of a PEM file as DER, in its order. */
export function splitPem(text: string): readonly Uint8Array[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw);
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

/**
 * Whether the leaf of `chain` was made for `host` and leads, signature by signature, to a certificate whose fingerprint is
 * among `approved`.
 */
export function isSignedFor(
  host: string,
  chain: readonly Uint8Array[],
  issuers: readonly Uint8Array[],
  approved: ReadonlySet<string>,
): boolean {
  const [first, ...rest] = chain.map((der) => new X509Certificate(der));
  if (first === undefined || approved.size === 0 || !namesHost(first, host)) return false;
  const candidates = [...rest, ...issuers.map((der) => new X509Certificate(der))].filter(({ ca }) => ca);
  let current = first;
  for (let depth = 0; depth < maxChainLength; depth += 1) {
    const subject = current;
    const issuer = candidates.find((one) => subject.checkIssued(one) && subject.verify(one.publicKey));
    if (issuer === undefined) return false;
    if (approved.has(fingerprintOf(issuer.raw))) return true;
    current = issuer;
  }
  return false;
}

function namesHost(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  return certificate.checkHost(host) !== undefined;
}

function oneLine(name: string): string {
  return name.replaceAll("\n", ", ").slice(0, maxTextLength);
}
