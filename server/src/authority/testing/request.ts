import { generateKeyPairSync, type KeyObject } from "node:crypto";

import { cryptoKeyOf, loadX509, publicHalf, signatureAlgorithm } from "../x509.ts";

/** A key pair of the kind gateways make. */
export function newTlsKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
}

/** A certificate request (PKCS #10, DER) for a name. */
export async function requestFor(name: string, key: KeyObject): Promise<Uint8Array> {
  const x509 = await loadX509();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys: { privateKey: cryptoKeyOf(key), publicKey: cryptoKeyOf(publicHalf(key)) },
    signingAlgorithm: signatureAlgorithm,
  });
  return new Uint8Array(request.rawData);
}
