import { FrostlightError } from "@frostlight/kernel";

import type { JournalOptions } from "./options.ts";

/** Why items cannot be taken now, or undefined. */
export function whyNot(
  asked: { readonly items: number; readonly hasEvent: boolean },
  now: { readonly waitingItems: number; readonly isFull: boolean; readonly sizeBytes: number },
  options: Pick<JournalOptions, "maxWaitingItems" | "maxBytes" | "reserveBytes">,
): { readonly reason: string; readonly message: string } | undefined {
  const { maxWaitingItems, maxBytes, reserveBytes } = options;
  // Events may use a tenth more, so that a flood of samples does not keep alarms out.
  const most = asked.hasEvent ? maxWaitingItems * 1.1 : maxWaitingItems;
  if (now.waitingItems > 0 && now.waitingItems + asked.items > most) {
    return { reason: "queue-full", message: `${now.waitingItems} items already wait for the disk` };
  }
  if (now.isFull && (!asked.hasEvent || now.sizeBytes >= maxBytes + reserveBytes)) {
    const message = `the journal holds ${now.sizeBytes} bytes not yet taken by the server, at most ${maxBytes}`;
    return { reason: "disk-limit", message };
  }
  return undefined;
}

export function closedError(): FrostlightError {
  return new FrostlightError("journal/closed", "bug", "the journal is closed");
}
