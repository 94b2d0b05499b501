import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const peerCertificate = z.strictObject({
  fingerprintSha256: sha256,
  publicKeySha256: sha256,
  subject: z.string(),
  issuer: z.string(),
  validFromMs: z.number(),
  validToMs: z.number(),
  endpoint: z.string(),
});

/**
 * Why a certificate counts as approved. A person's word holds until another certificate is approved in its place; what the
 * configuration said holds as long as it says so.
 */
const approval = z.discriminatedUnion("ground", [
  z.strictObject({ ground: z.literal("person") }),
  /** The pin, or the certificate whose key a renewal kept: the fingerprint that the configuration pinned. */
  z.strictObject({ ground: z.literal("pin"), pinnedSha256: sha256 }),
  z.strictObject({ ground: z.literal("issuer") }),
]);
export type Approval = z.infer<typeof approval>;

const storedCard = z.strictObject({
  sourceId: z.string(),
  certificate: peerCertificate,
  firstSeenMs: z.number(),
  /** null while it waits. */
  approval: z.strictObject({ by: z.string(), timeMs: z.number(), why: approval }).nullable(),
});
export type StoredCard = z.infer<typeof storedCard>;

const changeRecord = z.strictObject({
  subject: z.string(),
  what: z.literal("certificate"),
  before: z.string(),
  after: z.string(),
  author: z.string(),
  reason: z.string(),
  timeMs: z.number(),
  commandId: z.string().nullable(),
});

const trustFile = z.strictObject({
  version: z.literal(1),
  cards: z.array(storedCard),
  /** Changes that are in force and perhaps not in the journal yet. */
  outbox: z.array(changeRecord),
});
export type TrustMemory = z.infer<typeof trustFile>;

export function parseTrustFile(text: string): TrustMemory {
  return trustFile.parse(JSON.parse(text));
}
