import type {
  ClientSession,
  ClientSessionRawSubscriptionService,
  ClientSubscription,
  DataValue,
  MonitoredItemCreateRequestOptions,
  NotificationMessage,
  StatusCode,
} from "node-opcua-client";

import type { OpcUaLibrary } from "./opcua-pki.ts";
import { chunks } from "./opcua-space.ts";

/** Keep-alives come this often while no value changes, in publishing intervals. */
const keepAliveCount = 3;
const lifetimeFactor = 20;

/** What to monitor, and how. */
export interface MonitoredNode<Key> {
  readonly key: Key;
  readonly nodeId: string;
  readonly samplingIntervalMs: number;
  readonly queueSize: number;
  readonly discardOldest: boolean;
  /** Absolute; 0: every change. */
  readonly deadband: number;
}

export interface SubscriptionEvents<Key> {
  /** Anything came, keep-alives too. */
  heard(): void;
  value(key: Key, dataValue: DataValue): void;
  /** All values of one notification have been told. */
  settled(): void;
  /** Notifications that the server sent and that never arrived. */
  missed(count: number): void;
  broken(reason: string): void;
}

/**
 * One subscription. Monitored items are ours, not the library's: it would keep an emitter with two listeners for each and
 * call all of them for each value. We take a notification as a whole and find the item by its client handle.
 */
export class OpcUaSubscription<Key> {
  readonly #library: OpcUaLibrary;
  readonly #session: ClientSessionRawSubscriptionService;
  readonly #subscription: ClientSubscription;
  readonly #events: SubscriptionEvents<Key>;
  readonly #itemsPerCall: number;
  /** By client handle. */
  readonly #keys: Key[] = [];
  #lastSequence: number | undefined;

  private constructor(
    library: OpcUaLibrary,
    session: ClientSessionRawSubscriptionService,
    subscription: ClientSubscription,
    itemsPerCall: number,
    events: SubscriptionEvents<Key>,
  ) {
    this.#library = library;
    this.#session = session;
    this.#subscription = subscription;
    this.#itemsPerCall = itemsPerCall;
    this.#events = events;
    subscription.on("raw_notification", (message) => {
      this.#take(message);
    });
    subscription.on("terminated", () => {
      events.broken("the server ended the subscription");
    });
    subscription.on("status_changed", (status: StatusCode) => {
      if (!status.isGood()) events.broken(`the server changed the subscription to ${status.name}`);
    });
  }

  static async create<Key>(
    library: OpcUaLibrary,
    session: ClientSession,
    options: { readonly publishingIntervalMs: number; readonly itemsPerCall: number },
    events: SubscriptionEvents<Key>,
  ): Promise<OpcUaSubscription<Key>> {
    const subscription = await session.createSubscription2({
      requestedPublishingInterval: options.publishingIntervalMs,
      requestedMaxKeepAliveCount: keepAliveCount,
      requestedLifetimeCount: keepAliveCount * lifetimeFactor,
      maxNotificationsPerPublish: 10_000,
      publishingEnabled: true,
      priority: 1,
    });
    // Every session of the library has this service; it declares its type apart.
    const raw = session as ClientSession & ClientSessionRawSubscriptionService;
    return new OpcUaSubscription(library, raw, subscription, options.itemsPerCall, events);
  }

  /** The longest time between two signs of life, as the server decided. */
  get keepAliveMs(): number {
    return this.#subscription.publishingInterval * this.#subscription.maxKeepAliveCount;
  }

  /** Tells per node what the server said. A node that takes no deadband is monitored without one. */
  async monitor(nodes: readonly MonitoredNode<Key>[]): Promise<readonly StatusCode[]> {
    const statuses: StatusCode[] = [];
    for (const chunk of chunks(nodes, this.#itemsPerCall)) statuses.push(...(await this.#create(chunk, true)));
    const without = nodes.filter((node, index) => node.deadband > 0 && this.#isAboutFilter(statuses[index]));
    for (const chunk of chunks(without, this.#itemsPerCall)) {
      const again = await this.#create(chunk, false);
      for (const [index, node] of chunk.entries()) {
        const status = again[index];
        if (status !== undefined) statuses[nodes.indexOf(node)] = status;
      }
    }
    return statuses;
  }

  async #create(nodes: readonly MonitoredNode<Key>[], useDeadband: boolean): Promise<readonly StatusCode[]> {
    const { AttributeIds, MonitoringMode, TimestampsToReturn, StatusCodes } = this.#library;
    const itemsToCreate = nodes.map((node): MonitoredItemCreateRequestOptions => {
      this.#keys.push(node.key);
      const { samplingIntervalMs: samplingInterval, queueSize, discardOldest } = node;
      const filter = useDeadband && node.deadband > 0 ? this.#deadband(node.deadband) : null;
      return {
        itemToMonitor: { nodeId: node.nodeId, attributeId: AttributeIds.Value },
        monitoringMode: MonitoringMode.Reporting,
        // Known before the answer: the first notification may overtake it.
        requestedParameters: {
          clientHandle: this.#keys.length - 1,
          samplingInterval,
          queueSize,
          discardOldest,
          filter,
        },
      };
    });
    const { results } = await this.#session.createMonitoredItems({
      subscriptionId: this.#subscription.subscriptionId,
      timestampsToReturn: TimestampsToReturn.Both,
      itemsToCreate,
    });
    return nodes.map((_, index) => results?.[index]?.statusCode ?? StatusCodes.BadUnknownResponse);
  }

  #deadband(value: number): InstanceType<OpcUaLibrary["DataChangeFilter"]> {
    const { DataChangeFilter, DataChangeTrigger, DeadbandType } = this.#library;
    return new DataChangeFilter({
      trigger: DataChangeTrigger.StatusValue,
      deadbandType: DeadbandType.Absolute,
      deadbandValue: value,
    });
  }

  #isAboutFilter(status: StatusCode | undefined): boolean {
    return status !== undefined && /Filter/.test(status.name);
  }

  #take(message: NotificationMessage): void {
    this.#events.heard();
    const data = message.notificationData;
    if (data === null || data === undefined || data.length === 0) return; // a keep-alive
    this.#countMissed(message.sequenceNumber);
    const { DataChangeNotification } = this.#library;
    // What we take is taken out: the library would go over every value twice more, to find that it knows none of them.
    message.notificationData = data.filter((notification) => {
      if (!(notification instanceof DataChangeNotification)) return true;
      for (const item of notification.monitoredItems ?? []) {
        const key = this.#keys[item.clientHandle];
        if (key !== undefined) this.#events.value(key, item.value);
      }
      return false;
    });
    this.#events.settled();
  }

  /** Part 4, section 5.14.1.1: numbers of notifications grow by one, 1 follows the largest. */
  #countMissed(sequence: number): void {
    const last = this.#lastSequence;
    this.#lastSequence = sequence;
    if (last === undefined) return;
    const missed = sequence - (last === 0xffffffff ? 1 : last + 1);
    if (missed > 0) this.#events.missed(missed);
  }
}
