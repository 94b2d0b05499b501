import { type Command, encodeCommand } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  FrostlightError,
  type Logger,
  type Part,
  type Random,
  retryDelayMs,
  type RetrySchedule,
} from "@frostlight/kernel";
import { z } from "zod";

import type {
  CentralAcknowledger,
  CommandDispatcher,
  CommandSender,
  CommandStore,
  WaitingCommand,
} from "../core/ingest.ts";
import type { CommandOutbox, Scope } from "../core/records.ts";

/** Configuration of commands to gateways. */
export const commandOptions = z.strictObject({
  expiryHours: z
    .number()
    .positive()
    .max(24 * 30)
    .default(24)
    .describe("a command without effect for so long is given up"),
});
type CommandOptions = z.output<typeof commandOptions>;

/** A command is repeated while its effect is not in the journal: the gateway may have lost it in a crash. */
const repeat: RetrySchedule = { firstMs: 5_000, factor: 2, maxMs: 300_000, jitter: 0.2 };
const tickMs = 1_000;
const expiryCheckMs = 60_000;

export interface CommandOutboxDeps {
  readonly options?: CommandOptions;
  readonly stateStore: CommandStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Asked first: the server's own alarms are acknowledged here. */
  readonly central?: CentralAcknowledger;
}

export interface DurableCommandOutbox extends CommandOutbox, CommandDispatcher, Part {}

/** Durable commands: handed to the gateway when it is there, again and again until the ingest saw their effect. */
export function createCommandOutbox(deps: CommandOutboxDeps): DurableCommandOutbox {
  return new StoredCommandOutbox(deps, deps.options ?? commandOptions.parse({}));
}

interface Waiting extends WaitingCommand {
  sent: number;
  dueMs: number;
}

class StoredCommandOutbox implements DurableCommandOutbox {
  readonly name = "command-outbox";
  readonly #deps: CommandOutboxDeps;
  readonly #expiryMs: number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #senders: CommandSender[] = [];
  #cancelTimers: readonly CancelTimer[] = [];
  #working: Promise<void> = Promise.resolve();
  #isQueued = false;

  constructor(deps: CommandOutboxDeps, options: CommandOptions) {
    this.#deps = deps;
    this.#expiryMs = options.expiryHours * 3_600_000;
  }

  async start(): Promise<void> {
    const { stateStore, clock } = this.#deps;
    for (const waiting of await stateStore.pendingCommands()) this.#remember(waiting);
    this.#cancelTimers = [
      clock.every(tickMs, () => {
        this.#work();
      }),
      clock.every(expiryCheckMs, () => {
        this.#working = this.#working.then(() => this.#expire());
      }),
    ];
  }

  async stop(): Promise<void> {
    for (const cancel of this.#cancelTimers) cancel();
    this.#cancelTimers = [];
    await this.#working;
  }

  attach(sender: CommandSender): void {
    this.#senders.push(sender);
  }

  gatewayReady(gatewayId: string): void {
    for (const waiting of this.#waiting.values()) if (waiting.gatewayId === gatewayId) waiting.dueMs = 0;
    this.#work();
  }

  async enqueue(
    scope: Scope,
    target: { readonly siteId: string; readonly gatewayId: string },
    command: Command,
  ): Promise<void> {
    const { stateStore, clock } = this.#deps;
    // What cannot be encoded now can never be sent.
    encodeCommand(command);
    if ((await this.#deps.central?.acknowledge(scope.organisationId, command)) === true) return;
    const { siteId, gatewayId } = target;
    const { organisationId } = scope;
    const waiting = { organisationId, siteId, gatewayId, command, expiresMs: clock.nowMs() + this.#expiryMs };
    const result = await stateStore.addCommand(waiting);
    if (result === "unknown-gateway") {
      throw new FrostlightError("command/unknown-gateway", "data", `no gateway ${gatewayId} at this site`);
    }
    if (result === "done") return;
    this.#remember(waiting);
    this.#work();
  }

  pending(scope: Scope): Promise<readonly WaitingCommand[]> {
    return this.#deps.stateStore.pendingCommands(scope.organisationId);
  }

  #remember(waiting: WaitingCommand): void {
    this.#waiting.set(waiting.command.commandId, { ...waiting, sent: 0, dueMs: 0 });
  }

  /** One pass at a time; passes asked for meanwhile become one. */
  #work(): void {
    if (this.#isQueued || this.#waiting.size === 0) return;
    this.#isQueued = true;
    this.#working = this.#working.then(() => {
      this.#isQueued = false;
      return this.#pass();
    });
  }

  /** Never rejects. */
  async #pass(): Promise<void> {
    const { clock, stateStore, logger } = this.#deps;
    const nowMs = clock.monotonicMs();
    const due = [...this.#waiting].filter(
      ([, waiting]) => waiting.dueMs <= nowMs && this.#senderOf(waiting.gatewayId) !== undefined,
    );
    if (due.length === 0) return;
    try {
      const pending = await stateStore.stillPending(due.map(([commandId]) => commandId));
      const sent: string[] = [];
      for (const [commandId, waiting] of due) {
        if (!pending.has(commandId)) this.#waiting.delete(commandId);
        else if (await this.#send(waiting)) sent.push(commandId);
      }
      await stateStore.countAttempt(sent);
    } catch (error) {
      logger.warn("commands-delayed", { error: describeError(error) });
    }
  }

  async #send(waiting: Waiting): Promise<boolean> {
    const { clock, random, logger } = this.#deps;
    const { gatewayId, command } = waiting;
    waiting.dueMs = clock.monotonicMs() + retryDelayMs(repeat, waiting.sent, random);
    waiting.sent += 1;
    try {
      await this.#senderOf(gatewayId)?.sendCommand(gatewayId, command);
      return true;
    } catch (error) {
      logger.debug("command-unsent", { gatewayId, commandId: command.commandId, error: describeError(error) });
      return false;
    }
  }

  #senderOf(gatewayId: string): CommandSender | undefined {
    return this.#senders.find((sender) => sender.isConnected(gatewayId));
  }

  async #expire(): Promise<void> {
    const { clock, stateStore, logger } = this.#deps;
    try {
      for (const { command, gatewayId } of await stateStore.expireCommands(clock.nowMs())) {
        this.#waiting.delete(command.commandId);
        logger.warn("command-expired", { gatewayId, commandId: command.commandId, actor: command.actor });
      }
    } catch (error) {
      logger.warn("commands-delayed", { error: describeError(error) });
    }
  }
}
