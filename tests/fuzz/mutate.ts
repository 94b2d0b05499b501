import type { Random } from "@frostlight/kernel";

/** Words and bytes that decoders branch on, and numbers at the edges. */
const words = [
  "temperature", "Temperature", "object", "objectJSON", "decoded_payload", "uplink_message", "end_device_ids", "history",
  "timestamp", "Time", "TempUnit", "DS18B20", "Id", "last_seen", "received_at", "publishedAt", "params", "method",
  "NotifyStatus", "temperature:100", "errors", "tC", "tempc", "model_id", "data", "gw_mac", "ts", "state_topic",
  "value_template", "{{ value_json.t }}", "~", "components", "__proto__", "constructor", "toString", "null", "nan", "1e999",
  "-127", "85", "0x10", "Infinity", "2026-02-30T00:00:00Z", "\u0000", "\uFEFF", "\uD800", "…",
] as const; // prettier-ignore
const numbers = [
  0, -0, 1, -1, 85, -127, 327.67, 32767, -32768, 65535, 6553.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, -1e308, 5e-324,
  1e21, 1_767_225_600, 1_767_225_600_000, 0.1 + 0.2,
] as const; // prettier-ignore
const varints = [
  [0], [0x7f], [0x80, 0x01], [0xff, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
] as const; // prettier-ignore

const maxBytes = 70_000;

export function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[Math.floor(random.next() * from.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}

function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

/** A changed copy of a valid input: as bytes, or along its structure where it is JSON; now and then only noise. */
export function mutate(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const kind = random.next();
  if (kind < 0.08) return random.bytes(below(random, 300));
  const seed = pick(random, seeds);
  if (kind < 0.1) return seed;
  const structured = kind < 0.55 ? mutateJson(random, seed) : undefined;
  if (structured !== undefined && kind < 0.5) return structured;
  let bytes = Buffer.from(structured ?? seed);
  for (let round = 1 + below(random, 4); round > 0; round -= 1) bytes = mutateBytes(random, bytes, seeds);
  return bytes.subarray(0, maxBytes);
}

function mutateBytes(random: Random, bytes: Buffer<ArrayBuffer>, seeds: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const at = below(random, bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + below(random, 16));
  switch (below(random, 9)) {
    case 0: {
      const changed = Buffer.from(bytes);
      if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << below(random, 8));
      return changed;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + below(random, 8)), bytes.subarray(end)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(random, words)), bytes.subarray(at)]);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(random, varints)), bytes.subarray(at + 1)]);
    case 7: {
      const other = pick(random, seeds);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(below(random, other.length + 1))]);
    }
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(String(pick(random, numbers))), bytes.subarray(end)]);
  }
}

function mutateJson(random: Random, seed: Uint8Array): Uint8Array | undefined {
  if (seed[0] !== 0x7b && seed[0] !== 0x5b) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(seed).toString("utf8"));
  } catch {
    return undefined; // binary that begins like JSON
  }
  for (let round = 1 + below(random, 3); round > 0; round -= 1) value = mutateNode(random, value, 0);
  return Buffer.from(JSON.stringify(value) ?? "null");
}

/** Goes down the tree by chance and changes what it ends at. */
function mutateNode(random: Random, node: unknown, depth: number): unknown {
  const isContainer = typeof node === "object" && node !== null;
  if (!isContainer || depth > 8 || random.next() < 0.15) return replacement(random, node);
  if (Array.isArray(node)) {
    const items: unknown[] = [...node];
    const at = below(random, items.length + 1);
    const roll = random.next();
    if (roll < 0.15) items.splice(at, 1);
    else if (roll < 0.25) items.splice(at, 0, replacement(random, items[0]));
    else if (roll < 0.27) items.push(...Array.from({ length: 2_000 }, () => items[0]));
    else if (at < items.length) items[at] = mutateNode(random, items[at], depth + 1);
    return items;
  }
  const entries = Object.entries(node);
  const at = below(random, entries.length);
  const [key, value] = entries[at] ?? ["", undefined];
  const roll = random.next();
  if (roll < 0.1) entries.splice(at, 1);
  else if (roll < 0.2) entries.push([pick(random, words), value]);
  else if (roll < 0.25) entries.splice(at, 1, [pick(random, words), value]);
  else entries.splice(at, 1, [key, mutateNode(random, value, depth + 1)]);
  return Object.fromEntries(entries);
}

function replacement(random: Random, node: unknown): unknown {
  switch (below(random, 9)) {
    case 0:
      return null;
    case 1:
      return pick(random, numbers);
    case 2:
      return String(pick(random, numbers));
    case 3:
      return pick(random, words);
    case 4:
      return random.next() < 0.5;
    case 5:
      return [node];
    case 6:
      return { [pick(random, words)]: node };
    case 7:
      return pick(random, words).repeat(1 + below(random, 200));
    default:
      return random.next() * 10 ** (below(random, 40) - 20);
  }
}
