import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import { FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

/** A fresh key and the request (PKCS #10, DER) for a certificate of it. The key never leaves the gateway. */
export interface CertificateRequest {
  readonly keyPem: string;
  readonly csr: Uint8Array;
}

const answer = z.object({ csr: z.instanceof(Uint8Array), pkcs8: z.instanceof(Uint8Array) });

/**
 * Makes a key (ECDSA P-256) and a request in a thread of its own: the certificate library takes some 25 MB, and it is needed
 * once in two months.
 */
export function requestCertificate(gatewayId: string): Promise<CertificateRequest> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      reject(new FrostlightError("certificate/no-request", "bug", "cannot make a certificate request", { cause }));
    };
    const worker = new Worker(join(import.meta.dirname, "certificate-request-worker.ts"), { workerData: gatewayId });
    worker.once("error", fail);
    worker.once("exit", fail);
    worker.once("message", (message: unknown) => {
      const made = answer.safeParse(message);
      if (!made.success) {
        fail(made.error);
        return;
      }
      const key = createPrivateKey({ key: Buffer.from(made.data.pkcs8), format: "der", type: "pkcs8" });
      resolve({ keyPem: key.export({ type: "pkcs8", format: "pem" }).toString(), csr: made.data.csr });
    });
  });
}
