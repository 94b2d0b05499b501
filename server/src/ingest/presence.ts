import { type Clock, describeError, type Logger } from "@frostlight/kernel";

import type { GatewayAccess, KnownGateway } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";

type GatewayName = Pick<KnownGateway, "gatewayId" | "organisationId" | "siteId">;

/** Ways in which a gateway can be there. */
export type Way = "mqtt" | "https";

/** Who is connected, in whatever way: kept in the state store in the order of events, told to those who watch. */
export class Presence {
  readonly #store: Pick<GatewayAccess, "setConnected" | "disconnectAll">;
  readonly #live: LivePublisher | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #connected = new Map<string, { readonly gateway: GatewayName; readonly ways: Set<Way> }>();
  /** Newest state not yet written; at most one entry per gateway. */
  readonly #unwritten = new Map<string, { readonly connected: boolean; readonly atMs: number }>();
  #writing: Promise<void> | undefined;

  constructor(deps: {
    readonly store: Pick<GatewayAccess, "setConnected" | "disconnectAll">;
    readonly live: LivePublisher | undefined;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#store = deps.store;
    this.#live = deps.live;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  has(gatewayId: string, way: Way = "mqtt"): boolean {
    return this.#connected.get(gatewayId)?.ways.has(way) ?? false;
  }

  gatewayIds(): readonly string[] {
    return [...this.#connected.keys()].toSorted();
  }

  async reset(): Promise<void> {
    this.#connected.clear();
    await this.#store.disconnectAll();
  }

  leave(gatewayId: string, way: Way = "mqtt"): void {
    const known = this.#connected.get(gatewayId);
    if (known !== undefined) this.set(known.gateway, false, way);
  }

  set(gateway: GatewayName, connected: boolean, way: Way = "mqtt"): void {
    const { gatewayId, organisationId, siteId } = gateway;
    const ways = this.#connected.get(gatewayId)?.ways ?? new Set();
    const before = ways.size > 0;
    if (connected) ways.add(way);
    else ways.delete(way);
    if (ways.size > 0) this.#connected.set(gatewayId, { gateway, ways });
    else this.#connected.delete(gatewayId);
    if (before === ways.size > 0) return;
    this.#logger.info(connected ? "gateway-connected" : "gateway-disconnected", { gatewayId });
    this.#live?.publish({ kind: "gateway", organisationId, siteId, gatewayId, connected });
    this.#unwritten.set(gatewayId, { connected, atMs: this.#clock.nowMs() });
    this.#writing ??= this.#write();
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      try {
        await this.#store.setConnected(next.gatewayId, next.connected, next.atMs);
      } catch (error) {
        this.#logger.warn("gateway-presence-unwritten", { gatewayId: next.gatewayId, error: describeError(error) });
      }
    }
    this.#writing = undefined;
  }

  #take(): { readonly gatewayId: string; readonly connected: boolean; readonly atMs: number } | undefined {
    for (const [gatewayId, state] of this.#unwritten) {
      this.#unwritten.delete(gatewayId);
      return { gatewayId, ...state };
    }
    return undefined;
  }
}
