import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

import { fingerprintOf } from "../core/peer-certificate.ts";

const maxChainLength = 8;

/** Certificates of a PEM file as DER, in its order. */
export function splitPem(text: string): readonly Uint8Array[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw);
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
