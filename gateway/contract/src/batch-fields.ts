/**
 * Visits the top-level fields of an encoded batch body without decoding them. Stops at bytes that are no batch. Never throws.
 * @param visit field number and, for length-delimited fields, where the content begins and ends
 */
export function visitBatchFields(body: Uint8Array, visit: (field: number, start: number, end: number) => void): void {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < body.length; factor *= 128) {
      const byte = body[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < body.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) {
      varint();
      continue;
    }
    // Fields of a Batch are varints or length-delimited.
    if (wireType !== 2) return;
    const length = varint();
    if (!(at + length <= body.length)) return;
    visit(Math.floor(tag / 8), at, at + length);
    at += length;
  }
}

const rareFields: ReadonlySet<number> = new Set([7, 10, 11, 15]);

/** True when a batch holds alarm events, site descriptions, drops or clock corrections: most hold only samples. */
export function hasRareItems(body: Uint8Array): boolean {
  let found = false;
  visitBatchFields(body, (field) => {
    found ||= rareFields.has(field);
  });
  return found;
}
