/** What may be evidence, by media type and by the file's own first bytes. */
const signatures: Readonly<Record<string, (head: Uint8Array) => boolean>> = {
  // ITU-T T.81: SOI marker and the next marker's first byte.
  "image/jpeg": (head) => startsWith(head, 0, [0xff, 0xd8, 0xff]),
  // ISO/IEC 15948 §5.2.
  "image/png": (head) => startsWith(head, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  // RFC 9649 §2.4: RIFF container with form WEBP.
  "image/webp": (head) => startsWith(head, 0, ascii("RIFF")) && startsWith(head, 8, ascii("WEBP")),
  // ISO/IEC 14496-12 §4.3: the first box is ftyp.
  "video/mp4": (head) => startsWith(head, 4, ascii("ftyp")),
};

export const evidenceMediaTypes: readonly string[] = Object.keys(signatures);

/** The check of a media type's first bytes; undefined for a type that is no evidence. */
export function signatureOf(mediaType: string): ((head: Uint8Array) => boolean) | undefined {
  return Object.hasOwn(signatures, mediaType) ? signatures[mediaType] : undefined;
}

function startsWith(head: Uint8Array, offset: number, expected: readonly number[]): boolean {
  return expected.every((byte, index) => head[offset + index] === byte);
}

function ascii(text: string): readonly number[] {
  return [...Buffer.from(text, "ascii")];
}
