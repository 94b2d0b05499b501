import type { EvidenceReader } from "./records.ts";

/** How putting a file ended. */
export type PutResult =
  | { readonly kind: "stored" | "known"; readonly sizeBytes: number }
  | { readonly kind: "refused"; readonly reason: "hash-mismatch" | "too-large" | "not-acceptable" };

/** Files by their hash. */
export interface EvidenceStore extends EvidenceReader {
  /**
   * Takes a file, durable when resolved as "stored" or "known". The content is always read to its end and hashed: knowing
   * a hash does not give a right to the file. Rejects with `evidence/unavailable` (disk full, cut connection).
   * @param acceptable decides by the first bytes (up to 16)
   */
  put(
    sha256: string,
    content: AsyncIterable<Uint8Array>,
    rules: { readonly limitBytes: number; readonly acceptable: (head: Uint8Array) => boolean },
  ): Promise<PutResult>;
}
