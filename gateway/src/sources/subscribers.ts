import type { AedesPublishPacket, Client } from "aedes";

import type { Refusal } from "../core/reading.ts";
import type { Permission } from "./broker-access.ts";
import { matchesFilter } from "./topic-routes.ts";

/** Bytes that may wait in the socket of one subscriber; beyond, it is cut off before its drain time-out. */
const maxBacklogBytes = 4_194_304;

/** Public in aedes, missing in its types: granted QoS by topic filter. */
interface ClientInside {
  readonly subscriptions: Readonly<Record<string, { readonly qos: number }>>;
}

/** The clients that listen now, and what each of them gets. */
export class Subscribers {
  readonly #permissionOf: (client: Client) => Permission | undefined;
  readonly #onDrop: (drop: Omit<Refusal, "sourceId">) => void;
  readonly #clients = new Set<Client>();

  constructor(
    permissionOf: (client: Client) => Permission | undefined,
    onDrop: (drop: Omit<Refusal, "sourceId">) => void,
  ) {
    this.#permissionOf = permissionOf;
    this.#onDrop = onDrop;
  }

  get count(): number {
    return this.#clients.size;
  }

  /** A client is ready or has subscribed. */
  note(client: Client): void {
    if (!client.closed && Object.keys(subscriptionsOf(client)).length > 0) this.#clients.add(client);
  }

  left(client: Client): void {
    this.#clients.delete(client);
  }

  /**
   * What a client gets of a message: nothing without the right to it (rights may have changed since a session subscribed),
   * and no higher QoS than it was granted, which aedes forgets for filters with wildcards [MQTT-3.8.4-6].
   */
  forward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    if (this.#permissionOf(client)?.maySubscribe(packet.topic) !== true) return null;
    if (client.conn.writableLength > maxBacklogBytes && !client.conn.destroyed) {
      const message = `client "${client.id.slice(0, 64)}" does not read: ${client.conn.writableLength} bytes wait; client disconnected`;
      this.#onDrop({ address: packet.topic.slice(0, 256), code: "client-frozen", message });
      client.conn.destroy();
      return null;
    }
    let granted = 0;
    for (const [filter, { qos }] of Object.entries(subscriptionsOf(client))) {
      if (qos > granted && matchesFilter(filter, packet.topic)) granted = qos;
    }
    if (packet.qos > granted) packet.qos = granted === 1 ? 1 : 0;
    return packet;
  }
}

function subscriptionsOf(client: Client): ClientInside["subscriptions"] {
  return (client as unknown as ClientInside).subscriptions; // see there
}
