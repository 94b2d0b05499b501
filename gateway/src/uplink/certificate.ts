import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";

import { isFrostlightError, readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

const fileName = "certificate.json";

const schema = z.object({
  version: z.literal(1),
  keyPem: z.string().min(1),
  certificatePem: z.string().min(1),
  caPem: z.string().min(1),
});

/** What the gateway shows to the server's broker. Key and certificate lie in one file: they change together. */
export interface ClientCertificate {
  readonly keyPem: string;
  readonly certificatePem: string;
  /** The authority that was there when the gateway joined: no other is believed. */
  readonly caPem: string;
}

/** The stored certificate; undefined when there is none, or it is damaged (a copy is kept): a new one can be had. */
export async function readCertificate(folder: string): Promise<ClientCertificate | undefined> {
  try {
    return await readState(join(folder, fileName), (text) => {
      const { version: _, ...stored } = schema.parse(JSON.parse(text));
      createPrivateKey(stored.keyPem);
      return stored;
    });
  } catch (error) {
    if (isFrostlightError(error, "state/corrupt")) return undefined;
    throw error;
  }
}

export async function writeCertificate(folder: string, certificate: ClientCertificate): Promise<void> {
  await writeFileAtomic(join(folder, fileName), JSON.stringify({ version: 1, ...certificate }), 0o600);
}

/** Why a certificate from the server cannot be used; undefined when it can. */
export function problemOf({ keyPem, certificatePem, caPem }: ClientCertificate, gatewayId: string): string | undefined {
  try {
    const certificate = new X509Certificate(certificatePem);
    const authority = new X509Certificate(caPem);
    if (!authority.ca) return "the authority's certificate is not an authority's";
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return "it is not for the key of the request";
    if (certificate.subject !== `CN=${gatewayId}`) return `it names ${certificate.subject.slice(0, 100)}`;
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
      return "it was not issued by the authority that came with it";
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** When a certificate begins, ends, and is due for renewal: after two thirds of its life. */
export function lifeOf(certificatePem: string): {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly renewalMs: number;
} {
  const certificate = new X509Certificate(certificatePem);
  const notBeforeMs = certificate.validFromDate.getTime();
  const notAfterMs = certificate.validToDate.getTime();
  return { notBeforeMs, notAfterMs, renewalMs: notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3 };
}
