const blockBytes = 512;

/** A tar archive (POSIX ustar) of a few small files, made in memory. */
export function tar(files: readonly { readonly name: string; readonly data: Buffer }[], timeMs: number): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, data } of files) {
    blocks.push(header(name, data.length, timeMs), data);
    blocks.push(Buffer.alloc((blockBytes - (data.length % blockBytes)) % blockBytes));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function header(name: string, sizeBytes: number, timeMs: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, "0"), at, length - 1, "ascii");
  };
  block.write(name, 0, 100, "utf8");
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(Math.floor(timeMs / 1_000), 136, 12);
  block.write("        ", 148, 8, "ascii"); // the sum is made with blanks in its place
  block.write("0", 156, 1, "ascii");
  block.write("ustar\0", 257, 6, "ascii");
  block.write("00", 263, 2, "ascii");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "ascii");
  return block;
}
