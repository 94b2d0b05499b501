import { open } from "node:fs/promises";

const packetBytes = 188;
/** Where ffmpeg's muxer puts its one program map. */
const programMapPid = 0x1000;
const looked = 20 * packetBytes;

/** Codecs by stream_type (ISO/IEC 13818-1, table 2-34) that an MP4 for browsers can carry as they are. */
const codecs: Readonly<Record<number, "h264" | "h265">> = { 0x1b: "h264", 0x24: "h265" };

/** The codec of a segment's film as its program map names it; undefined for any other, or what is no transport stream. */
export async function codecOf(file: string): Promise<"h264" | "h265" | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(looked), 0, looked, 0);
    for (let at = 0; at + packetBytes <= bytesRead; at += packetBytes) {
      const packet = buffer.subarray(at, at + packetBytes);
      if (packet[0] !== 0x47 || (packet.readUInt16BE(1) & 0x1fff) !== programMapPid) continue;
      // the section begins behind the pointer; 12 bytes on, behind the program's descriptors, the first stream
      const section = 5 + packet.readUInt8(4);
      if (section + 12 > packetBytes) return undefined;
      const stream = section + 12 + (packet.readUInt16BE(section + 10) & 0x0fff);
      return codecs[packet[stream] ?? 0];
    }
    return undefined;
  } finally {
    await handle.close();
  }
}
