import type { AlarmEvent, AlarmState, AlarmTransition, Command } from "@frostlight/contract";
import { type CancelTimer, type Clock, describeError, type Logger, type Part } from "@frostlight/kernel";
import { z } from "zod";

import type { CentralAcknowledger, CentralAlarmStore, GatewayPresence, KnownGateway } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import { type Alarm, gatewaySilentKind } from "../core/records.ts";

/** Configuration of the alarm about gateways that are not heard any more. */
export const gatewaySilenceOptions = z.strictObject({
  afterMinutes: z.number().min(1).max(10_080).default(15).describe("unheard for so long, a gateway is silent"),
});
type GatewaySilenceOptions = z.output<typeof gatewaySilenceOptions>;

const checkMs = 30_000;

export interface GatewaySilenceDeps {
  readonly options?: GatewaySilenceOptions;
  readonly stateStore: CentralAlarmStore;
  readonly live: LivePublisher;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GatewaySilence extends Part, CentralAcknowledger {
  /** Looks at all gateways now; `start` does it regularly. Never rejects. */
  check(): Promise<void>;
}

/**
 * Raises an alarm when a gateway is neither connected nor heard for a while; returns it when the gateway is heard again
 * (its own alarms come with their original times then). Time before the server's start does not count: it was the server
 * that was deaf.
 */
export function createGatewaySilence(deps: GatewaySilenceDeps): GatewaySilence {
  return new SilenceWatch(deps, deps.options ?? gatewaySilenceOptions.parse({}));
}

type Owner = Pick<KnownGateway, "gatewayId" | "organisationId" | "siteId">;
interface CentralEvent {
  readonly gateway: Owner;
  readonly event: AlarmEvent;
}

class SilenceWatch implements GatewaySilence {
  readonly name = "gateway-silence";
  readonly #deps: GatewaySilenceDeps;
  readonly #afterMs: number;
  #startedMs = 0;
  #cancel: CancelTimer | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(deps: GatewaySilenceDeps, options: GatewaySilenceOptions) {
    this.#deps = deps;
    this.#afterMs = options.afterMinutes * 60_000;
  }

  start(): Promise<void> {
    const { clock } = this.#deps;
    this.#startedMs = clock.nowMs();
    this.#cancel ??= clock.every(checkMs, () => {
      void this.check();
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#working;
  }

  async check(): Promise<void> {
    try {
      await this.#inTurn(() => this.#checkAll());
    } catch (error) {
      this.#deps.logger.warn("gateway-silence-unchecked", { error: describeError(error) });
    }
  }

  acknowledge(organisationId: string, command: Command): Promise<boolean> {
    return this.#inTurn(() => this.#acknowledge(organisationId, command));
  }

  /** One look at the alarms and what follows from it at a time. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#working;
    const own = Promise.withResolvers<void>();
    this.#working = own.promise;
    await before;
    try {
      return await work();
    } finally {
      own.resolve();
    }
  }

  async #acknowledge(organisationId: string, command: Command): Promise<boolean> {
    const { action } = command;
    if (action.kind !== "acknowledge-alarm") return false;
    const open = await this.#deps.stateStore.openAlarmsOfKind(gatewaySilentKind);
    const alarm = open.find((item) => item.alarmId === action.alarmId && item.organisationId === organisationId);
    if (alarm === undefined) return false;
    if (alarm.state === "acknowledged") return true;
    const said = { actor: command.actor, commandId: command.commandId };
    await this.#record(
      alarm.state === "returned-unacknowledged"
        ? [this.#event(alarm, "acknowledged", "normal", said), this.#event(alarm, "cleared", "normal")]
        : [this.#event(alarm, "acknowledged", "acknowledged", said)],
    );
    return true;
  }

  async #checkAll(): Promise<void> {
    const { stateStore, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const open = new Map<string, Alarm>();
    for (const alarm of await stateStore.openAlarmsOfKind(gatewaySilentKind)) open.set(alarm.gatewayId, alarm);
    const events: CentralEvent[] = [];
    for (const gateway of await stateStore.gatewayPresence()) {
      const alarm = open.get(gateway.gatewayId);
      open.delete(gateway.gatewayId);
      const isSilent = this.#isSilent(gateway, nowMs);
      if (isSilent && (alarm === undefined || alarm.state === "returned-unacknowledged")) {
        events.push(this.#raise(gateway, alarm?.alarmId));
      } else if (!isSilent && alarm !== undefined) events.push(...this.#returned(alarm));
    }
    // Revoked meanwhile: nobody waits for it any more.
    for (const alarm of open.values()) events.push(...this.#returned(alarm));
    await this.#record(events);
  }

  #isSilent(gateway: GatewayPresence, nowMs: number): boolean {
    return !gateway.connected && nowMs - Math.max(gateway.lastSeenMs, this.#startedMs) > this.#afterMs;
  }

  #raise(gateway: GatewayPresence, alarmId = `silent-${gateway.gatewayId}-${this.#deps.clock.nowMs()}`): CentralEvent {
    const fresh = { ...gateway, alarmId, onsetTimeMs: gateway.lastSeenMs };
    return this.#event(fresh, "raised", "unacknowledged");
  }

  #returned(alarm: Alarm): CentralEvent[] {
    if (alarm.state === "returned-unacknowledged") return [];
    if (alarm.state === "unacknowledged") return [this.#event(alarm, "returned", "returned-unacknowledged")];
    return [this.#event(alarm, "returned", "normal"), this.#event(alarm, "cleared", "normal")];
  }

  #event(
    about: Owner & Pick<Alarm, "alarmId" | "onsetTimeMs">,
    transition: AlarmTransition,
    state: AlarmState,
    said: { readonly actor: string | null; readonly commandId: string | null } = { actor: null, commandId: null },
  ): CentralEvent {
    const { gatewayId, organisationId, siteId, alarmId, onsetTimeMs } = about;
    const timeMs = this.#deps.clock.nowMs();
    const parameters = {
      gateway: gatewayId,
      lastSeen: { timeMs: onsetTimeMs },
      silentMinutes: Math.round((timeMs - onsetTimeMs) / 60_000),
      limitMinutes: this.#afterMs / 60_000,
    };
    const event: AlarmEvent = {
      eventId: `${alarmId}-${transition}-${timeMs}`,
      alarmId,
      ruleId: gatewaySilentKind,
      ruleKind: gatewaySilentKind,
      // It is about the whole site.
      zoneId: "",
      pointId: null,
      cameraId: null,
      transition,
      state,
      priority: "high",
      timeMs,
      onsetTimeMs,
      ...said,
      explanation: { code: gatewaySilentKind, parameters },
    };
    return { gateway: { gatewayId, organisationId, siteId }, event };
  }

  async #record(events: readonly CentralEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { stateStore, live } = this.#deps;
    for (const { alarm, event } of await stateStore.recordCentralEvents(events)) {
      live.publish({ kind: "alarm", organisationId: alarm.organisationId, siteId: alarm.siteId, alarm, event });
    }
  }
}
