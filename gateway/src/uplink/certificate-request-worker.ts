import { parentPort, workerData } from "node:worker_threads";

import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";

/** RFC 5480: ECDSA on P-256, signed with SHA-256. */
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
const request = await Pkcs10CertificateRequestGenerator.create({
  name: [{ CN: [String(workerData)] }],
  keys,
  signingAlgorithm: algorithm,
});
const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage({ csr: new Uint8Array(request.rawData), pkcs8: new Uint8Array(pkcs8) });
