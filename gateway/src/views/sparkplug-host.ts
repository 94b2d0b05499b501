import { z } from "zod";

const maxPayloadBytes = 4_096;
const payload = z.object({ online: z.boolean(), timestamp: z.number().int().min(0) });

/** What a STATE message says. `clean`: the host said goodbye itself; otherwise its connection broke some time ago. */
export type HostNews =
  | { readonly kind: "online" }
  | { readonly kind: "offline"; readonly clean: boolean }
  | { readonly kind: "older"; readonly timestampMs: number }
  | { readonly kind: "invalid" };

/** `spBv1.0/STATE/<host>`: where a host application says, retained, whether it is there. */
export function stateTopic(host: string): string {
  return `spBv1.0/STATE/${host}`;
}

/**
 * What one MQTT server said of the primary host application. A message counts only when its timestamp is not older than
 * the one before [tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp]: an old will may arrive late.
 */
export class HostState {
  #timestampMs: number | undefined;
  #onlineSinceMs: number | undefined;

  take(bytes: Uint8Array): HostNews {
    const said = parse(bytes);
    if (said === undefined) return { kind: "invalid" };
    const { online, timestamp } = said;
    if (this.#timestampMs !== undefined && timestamp < this.#timestampMs) {
      return { kind: "older", timestampMs: timestamp };
    }
    this.#timestampMs = timestamp;
    if (online) {
      this.#onlineSinceMs = timestamp;
      return { kind: "online" };
    }
    // A will carries the time of its CONNECT, the same as the birth after it; a goodbye carries its own, later time.
    return { kind: "offline", clean: this.#onlineSinceMs !== undefined && timestamp > this.#onlineSinceMs };
  }
}

function parse(bytes: Uint8Array): z.infer<typeof payload> | undefined {
  if (bytes.byteLength > maxPayloadBytes) return undefined;
  try {
    const read = payload.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    return read.success ? read.data : undefined;
  } catch {
    return undefined; // not UTF-8 or not JSON
  }
}
