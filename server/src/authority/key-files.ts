import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { join } from "node:path";

import { generateSigningKey, type SigningKey, signingKeyFromPem, signingKeyToPem } from "@frostlight/contract";
import { FrostlightError, readState, writeFileAtomic } from "@frostlight/kernel";

/** The authority's own key and root certificate. */
export interface Root {
  readonly privateKey: KeyObject;
  readonly certificatePem: string;
}

/**
 * Reads the root from `ca-key.pem` and `ca.pem`, or makes it at the first start. The key is written first: a start that was
 * cut off before the certificate makes one for the same key. A certificate whose key is gone is `authority/key-missing`: a
 * new root would lock every gateway out, and that is for a person to decide.
 */
export async function openRoot(folder: string, makeCertificate: (key: KeyObject) => Promise<string>): Promise<Root> {
  const keyFile = join(folder, "ca-key.pem");
  const certificateFile = join(folder, "ca.pem");
  const knownKey = await readState(keyFile, (pem) => ecKey(pem));
  const known = await readState(certificateFile, (pem) => new X509Certificate(pem));
  if (knownKey === undefined && known !== undefined) {
    const message = `${keyFile} is gone but ${certificateFile} is there: bring the key back from the backup, or remove both and let every gateway join again`;
    throw new FrostlightError("authority/key-missing", "config", message);
  }
  const privateKey = knownKey ?? generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
  if (knownKey === undefined) {
    await writeFileAtomic(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), 0o600);
  }
  if (known !== undefined) {
    if (!known.checkPrivateKey(privateKey)) {
      throw new FrostlightError("authority/key-mismatch", "config", `${keyFile} is not the key of ${certificateFile}`);
    }
    return { privateKey, certificatePem: known.toString() };
  }
  const certificatePem = new X509Certificate(await makeCertificate(privateKey)).toString();
  await writeFileAtomic(certificateFile, certificatePem);
  return { privateKey, certificatePem };
}

/** The key that signs configurations, from `configuration-key.pem`; made at the first start. */
export async function openConfigurationKey(folder: string): Promise<SigningKey> {
  const file = join(folder, "configuration-key.pem");
  const known = await readState(file, signingKeyFromPem);
  if (known !== undefined) return known;
  const key = generateSigningKey();
  await writeFileAtomic(file, signingKeyToPem(key), 0o600);
  return key;
}

function ecKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== "ec") throw new TypeError(`expected an EC key, found ${String(key.asymmetricKeyType)}`);
  return key;
}
