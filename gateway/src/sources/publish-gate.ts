import { describeError, FrostlightError } from "@frostlight/kernel";
import type { Aedes, Client, PublishPacket } from "aedes";

import type { SourceContext } from "../core/source.ts";
import type { Permission } from "./broker-access.ts";
import type { MqttMessages } from "./mqtt-messages.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Takes the place of payloads that no subscriber can be waiting for. */
const unheard = Buffer.alloc(0);

export interface PublishLimits {
  readonly payloadLimitBytes: number;
  readonly messagesPerSecond: number;
}

/** What aedes calls when it may go on: acknowledge (no error) or close the connection (error). */
type Done = (error?: Error | null) => void;

interface Session {
  readonly permission: Permission;
  readonly bucket: TokenBucket;
  isThrottled: boolean;
}

/** Public in aedes, missing or incomplete in its types. */
interface BrokerInside {
  readonly persistence: PacketStore;
  publish(packet: PublishPacket, client: Client | Done | null, done?: Done): void;
}

interface PacketStore {
  incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown>;
}

/**
 * Stands in aedes's `authorizePublish`, the only hook that comes before PUBACK and PUBREC: a message passes when its
 * readings are durable. A message that cannot be written passes nothing and closes the connection, so that its sender
 * sends it again when it comes back [MQTT-4.4.0-1].
 */
export class PublishGate {
  readonly #limits: PublishLimits;
  readonly #messages: MqttMessages;
  readonly #context: SourceContext;
  readonly #onJournal: (error: unknown) => void;
  readonly #sessions = new WeakMap<Client, Session>();
  /** QoS 2 messages being written, so that a retransmission waits for the first instead of being written again. */
  readonly #writingOnce = new Map<string, Promise<void>>();
  #store: PacketStore | undefined;
  #isJournalFailing = false;
  #writing = 0;
  #whenIdle: (() => void)[] = [];

  /** @param onJournal told when the journal stops taking messages (with the error) and when it takes them again */
  constructor(
    limits: PublishLimits,
    messages: MqttMessages,
    context: SourceContext,
    onJournal: (error: unknown) => void,
  ) {
    this.#limits = limits;
    this.#messages = messages;
    this.#context = context;
    this.#onJournal = onJournal;
  }

  /** Resolves when no message is on its way into the journal. */
  idle(): Promise<void> {
    if (this.#writing === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  /** Begins; spares the broker the search for subscribers where there can be none. */
  open(broker: Aedes): void {
    const inside = broker as unknown as BrokerInside; // see there
    this.#store = inside.persistence;
    const publish = inside.publish.bind(inside);
    inside.publish = (packet, client, done): void => {
      if (packet.payload === unheard && done !== undefined) done();
      else publish(packet, client, done);
    };
  }

  shut(): void {
    this.#store = undefined;
  }

  /** Lets a client publish from now on. */
  admit(client: Client, permission: Permission): void {
    const { messagesPerSecond } = this.#limits;
    const bucket = new TokenBucket(messagesPerSecond, messagesPerSecond, this.#context.clock.monotonicMs());
    this.#sessions.set(client, { permission, bucket, isThrottled: false });
  }

  authorise(client: Client | null, packet: PublishPacket, done: Done): void {
    const session = client === null ? undefined : this.#sessions.get(client);
    if (this.#store === undefined || client === null || session === undefined) {
      done(new FrostlightError("mqtt/not-ready", "resource", "the broker is stopping or the client is unknown"));
      return;
    }
    const { topic } = packet;
    if (topic.startsWith("$") || !session.permission.mayPublish(topic)) {
      const message = `user "${session.permission.username}" may not publish here; client disconnected`;
      this.#refuse(packet, done, "publish-not-allowed", message);
      return;
    }
    const { clock } = this.#context;
    const waitMs = session.bucket.take(clock.monotonicMs());
    this.#noteThrottling(session, client, waitMs > 0);
    if (waitMs === 0) this.#take(client, session, packet, done);
    else {
      clock.after(waitMs, () => {
        this.#take(client, session, packet, done);
      });
    }
  }

  #take(client: Client, session: Session, packet: PublishPacket, done: Done): void {
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const { payloadLimitBytes } = this.#limits;
    if (payload.byteLength > payloadLimitBytes) {
      const message = `payload of ${payload.byteLength} bytes, at most ${payloadLimitBytes} allowed; client disconnected`;
      this.#refuse(packet, done, "payload-too-large", message);
      return;
    }
    const written = packet.qos === 2 ? this.#writeOnce(client, packet, payload) : this.#write(packet, payload);
    // Whoever subscribes lives on live values; kept ones would fill the memory, topic by topic.
    packet.retain = false;
    if (!session.permission.mayBeHeard(packet.topic)) packet.payload = unheard;
    if (written === undefined) done(null);
    else void this.#answer(written, packet, done);
  }

  async #answer(written: Promise<void>, packet: PublishPacket, done: Done): Promise<void> {
    this.#writing += 1;
    let failure: unknown;
    try {
      await written;
    } catch (error) {
      failure = error;
    }
    this.#writing -= 1;
    this.#noteJournal(failure);
    if (failure === undefined) done(null);
    else this.#refuseUnwritten(packet, failure, done);
    if (this.#writing === 0) for (const tell of this.#whenIdle.splice(0)) tell();
  }

  #refuseUnwritten(packet: PublishPacket, failure: unknown, done: Done): void {
    if (packet.qos === 0) {
      const message = `reading lost, QoS 0 is not sent again: ${describeError(failure)}`;
      this.#context.refuse({ address: shorten(packet.topic), code: "not-written", message });
    }
    done(
      new FrostlightError("mqtt/not-written", "resource", "the journal did not take the message", { cause: failure }),
    );
  }

  #write(packet: PublishPacket, payload: Buffer): Promise<void> | undefined {
    // The retain flag of an incoming PUBLISH asks to keep the message; it does not say that it is old [MQTT-3.3.1-5].
    const receivedMs = this.#context.clock.nowMs();
    return this.#messages.handle({ topic: packet.topic, payload, receivedMs, retained: false });
  }

  /** QoS 2: aedes asks for permission before it looks whether it has the packet id already. */
  #writeOnce(client: Client, packet: PublishPacket, payload: Buffer): Promise<void> {
    const key = `${packet.messageId} ${client.id}`;
    const known = this.#writingOnce.get(key);
    if (known !== undefined) return known;
    const written = this.#writeUnlessStored(client, packet, payload, key);
    this.#writingOnce.set(key, written);
    return written;
  }

  async #writeUnlessStored(client: Client, packet: PublishPacket, payload: Buffer, key: string): Promise<void> {
    try {
      if (!(await this.#isStored(client, packet))) await this.#write(packet, payload);
    } finally {
      this.#writingOnce.delete(key);
    }
  }

  async #isStored(client: Client, packet: PublishPacket): Promise<boolean> {
    try {
      await this.#store?.incomingGetPacket(client, packet);
      return true;
    } catch {
      return false; // this is how the store says "no such packet"
    }
  }

  #noteThrottling(session: Session, client: Client, isThrottled: boolean): void {
    if (session.isThrottled === isThrottled) return;
    session.isThrottled = isThrottled;
    const event = isThrottled ? "client-slowed-down" : "client-slow-enough";
    this.#context.logger.info(event, { client: client.id, perSecond: this.#limits.messagesPerSecond });
  }

  #noteJournal(failure: unknown): void {
    const isFailing = failure !== undefined;
    if (isFailing === this.#isJournalFailing) return;
    this.#isJournalFailing = isFailing;
    this.#onJournal(failure);
  }

  #refuse(packet: PublishPacket, done: Done, code: string, message: string): void {
    this.#context.refuse({ address: shorten(packet.topic), code, message });
    done(new FrostlightError(`mqtt/${code}`, "peer", `${shorten(packet.topic)}: ${message}`));
  }
}

function shorten(topic: string): string {
  return topic.slice(0, 256);
}
