import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

import { secretReference } from "@frostlight/kernel";
import { z } from "zod";

/** Lower-case hex; colons and capitals, as other tools print fingerprints, are accepted. */
const fingerprint = z
  .string()
  .transform((text) => text.replaceAll(":", "").toLowerCase())
  .refine((text) => /^[0-9a-f]{64}$/.test(text), "expected a SHA-256 fingerprint, 64 hex digits");

export const opcUaOptions = z.strictObject({
  endpoint: z
    .string()
    .regex(/^opc\.tcp:\/\/[^\s/:]+(?::\d{1,5})?(?:\/\S*)?$/, "expected an address such as opc.tcp://plc:4840"),
  securityMode: z.enum(["None", "Sign", "SignAndEncrypt"]).default("SignAndEncrypt"),
  /** Only used when the mode is not None. */
  securityPolicy: z.enum(["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]).default("Basic256Sha256"),
  /** The one server certificate that is accepted: its SHA-256 fingerprint, or a file (PEM or DER). */
  serverCertificate: z
    .union([z.strictObject({ sha256: fingerprint }), z.strictObject({ file: z.string().min(1) })])
    .optional(),
  /** Anonymous without. */
  username: z.string().min(1).max(128).optional(),
  password: secretReference.optional(),
  samplingIntervalMs: z.int().min(10).max(3_600_000).default(1_000),
  publishingIntervalMs: z.int().min(50).max(60_000).default(1_000),
  /** Values the server keeps between two publishings. */
  queueSize: z.int().min(1).max(10_000).default(100),
  /** When that queue is full: keep the newest. */
  discardOldest: z.boolean().default(true),
  /** A session from which nothing came for so long is taken for frozen and rebuilt. */
  watchdogMs: z.int().min(500).max(600_000).default(20_000),
});
export type OpcUaOptions = z.infer<typeof opcUaOptions>;

/** Where a point is found on an OPC UA server. */
export const opcUaAddress = z.strictObject({
  nodeId: z
    .string()
    .max(512)
    .regex(
      /^(?:ns=\d{1,5};|nsu=[^;]+;)?[isgb]=.+$/,
      "expected a node id such as ns=2;s=Room1.Temperature or nsu=urn:plc;i=5",
    ),
});
export type OpcUaAddress = z.infer<typeof opcUaAddress>;

/** SHA-256 over the DER bytes, lower-case hex: what the configuration pins. */
export function certificateFingerprint(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}

/** The fingerprint the configuration asks for; undefined when none is pinned. Throws when the file cannot be read. */
export async function pinnedFingerprint(options: OpcUaOptions): Promise<string | undefined> {
  const pin = options.serverCertificate;
  if (pin === undefined) return undefined;
  if ("sha256" in pin) return pin.sha256;
  return certificateFingerprint(new X509Certificate(await readFile(pin.file)).raw);
}
