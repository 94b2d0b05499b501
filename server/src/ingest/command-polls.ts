import { type Command, encodeCommand } from "@frostlight/contract";
import { type CancelTimer, type Clock, FrostlightError } from "@frostlight/kernel";

import type { CommandSender } from "../core/ingest.ts";

/** How a question for commands ended. */
export type PollAnswer =
  | { readonly kind: "commands"; readonly commands: readonly Uint8Array[] }
  /** Nothing came in time, or a newer question took this one's place. */
  | { readonly kind: "none" }
  | { readonly kind: "revoked" };

interface OpenPoll {
  readonly commands: Uint8Array[];
  flushing: boolean;
  end(answer: PollAnswer): void;
}

/** Questions for commands that gateways hold open; at most one for each. */
export class CommandPolls implements CommandSender {
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenPoll>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isConnected(gatewayId: string): boolean {
    return this.#open.has(gatewayId);
  }

  /** Commands that are sent in the same turn go in one answer. */
  sendCommand(gatewayId: string, command: Command): Promise<void> {
    const poll = this.#open.get(gatewayId);
    if (poll === undefined) {
      const error = new FrostlightError("broker/gateway-away", "peer", `gateway ${gatewayId} asks for no commands now`);
      return Promise.reject(error);
    }
    poll.commands.push(encodeCommand(command));
    if (!poll.flushing) {
      poll.flushing = true;
      setImmediate(() => {
        poll.end({ kind: "commands", commands: poll.commands });
      });
    }
    return Promise.resolve();
  }

  /** Resolves with commands, or with nothing after `waitMs`. */
  wait(gatewayId: string, waitMs: number, onGone: (listener: () => void) => void): Promise<PollAnswer> {
    this.#open.get(gatewayId)?.end({ kind: "none" });
    return new Promise((resolve) => {
      let cancel: CancelTimer = () => undefined;
      const poll: OpenPoll = {
        commands: [],
        flushing: false,
        end: (answer) => {
          cancel();
          if (this.#open.get(gatewayId) === poll) this.#open.delete(gatewayId);
          // Commands handed over in this very turn go out with whatever ends the question.
          const isWaiting = answer.kind === "none" && poll.commands.length > 0;
          resolve(isWaiting ? { kind: "commands", commands: poll.commands } : answer);
        },
      };
      this.#open.set(gatewayId, poll);
      cancel = this.#clock.after(waitMs, () => {
        poll.end({ kind: "none" });
      });
      onGone(() => {
        poll.end({ kind: "none" });
      });
    });
  }

  revoke(gatewayId: string): void {
    this.#open.get(gatewayId)?.end({ kind: "revoked" });
  }

  endAll(): void {
    for (const poll of this.#open.values()) poll.end({ kind: "none" });
  }
}
