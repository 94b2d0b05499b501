/** Start of image followed by a marker; inside entropy-coded data FF is always followed by 00 or a restart marker. */
const startOfImage = [0xff, 0xd8, 0xff] as const;

/** Splits concatenated JPEGs (a raw MJPEG stream) into pictures. */
export function splitJpegs(data: Uint8Array): readonly Uint8Array[] {
  const starts: number[] = [];
  for (let at = 0; at + 2 < data.length; at += 1) {
    if (startOfImage.every((byte, offset) => data[at + offset] === byte)) starts.push(at);
  }
  return starts.map((start, index) => data.subarray(start, starts[index + 1] ?? data.length));
}
