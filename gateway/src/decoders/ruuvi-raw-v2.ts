/** Values of a RuuviTag; null: not available. */
export interface RawV2 {
  /** °C */
  readonly temperature: number | null;
  /** %RH */
  readonly humidity: number | null;
  /** hPa */
  readonly pressure: number | null;
  /** V */
  readonly battery: number | null;
  /** Counts measurements, 0..65534. */
  readonly sequence: number | null;
}

const manufacturerData = 0xff;
const ruuviCompany = 0x0499;
const rawV2Bytes = 24;

/**
 * The manufacturer data of Ruuvi inside a Bluetooth advertisement (a row of length, type, data; Bluetooth Core
 * Supplement, part A), without the company's id; undefined when there is none.
 */
export function findRuuviPayload(advertisement: Uint8Array): Uint8Array | undefined {
  for (let at = 0; at + 1 < advertisement.length;) {
    const length = advertisement[at] ?? 0;
    if (length === 0) return undefined;
    const data = advertisement.subarray(at + 2, at + 1 + length);
    const company = (data[0] ?? 0) | ((data[1] ?? 0) << 8);
    if (advertisement[at + 1] === manufacturerData && company === ruuviCompany) return data.subarray(2);
    at += 1 + length;
  }
  return undefined;
}

/** Ruuvi's data format 5 (RAWv2); undefined when it is another format or cut off. */
export function readRawV2(payload: Uint8Array): RawV2 | undefined {
  if (payload[0] !== 5 || payload.length < rawV2Bytes) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const temperature = view.getInt16(1);
  const humidity = view.getUint16(3);
  const pressure = view.getUint16(5);
  const millivolts = view.getUint16(13) >> 5;
  const sequence = view.getUint16(16);
  // Divisions, not factors: 15 × 0.005 is not 0.075 in binary.
  return {
    temperature: temperature === -0x8000 ? null : temperature / 200,
    humidity: humidity === 0xffff ? null : humidity / 400,
    pressure: pressure === 0xffff ? null : (pressure + 50_000) / 100,
    battery: millivolts === 0x7ff ? null : (millivolts + 1_600) / 1_000,
    sequence: sequence === 0xffff ? null : sequence,
  };
}
