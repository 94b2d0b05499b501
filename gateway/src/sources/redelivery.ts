import type { IPublishPacket } from "mqtt";

interface Unacknowledged {
  readonly topic: string;
  readonly payload: Buffer;
  readonly written: Promise<void>;
}

/**
 * QoS 1 messages of a session that we have not acknowledged. The broker may not use their packet ids for anything else
 * [MQTT-2.3.1-4], so the same id marked DUP is the same message: it waits for the first writing instead of being written
 * again. What was acknowledged is forgotten: if that acknowledgement was lost, the message comes twice, which QoS 1 allows.
 */
export class Redelivery {
  readonly #messages = new Map<number, Unacknowledged>();

  /** The writing under way or done of this very message, if it came before. */
  find(packet: IPublishPacket, payload: Buffer): Promise<void> | undefined {
    if (!packet.dup || packet.messageId === undefined) return undefined;
    const known = this.#messages.get(packet.messageId);
    return known?.topic === packet.topic && known.payload.equals(payload) ? known.written : undefined;
  }

  remember(packet: IPublishPacket, payload: Buffer, written: Promise<void>): void {
    if (packet.messageId !== undefined) this.#messages.set(packet.messageId, { topic: packet.topic, payload, written });
  }

  forget(packet: IPublishPacket): void {
    if (packet.messageId !== undefined) this.#messages.delete(packet.messageId);
  }

  /** The broker has a new session: ids start over. */
  clear(): void {
    this.#messages.clear();
  }
}
