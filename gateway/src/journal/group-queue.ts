import { contractLimits, type JournalItem } from "@frostlight/contract";

import type { JournalPosition } from "../core/journal.ts";

/** Room in a batch: well inside the contract, so that an estimate that is a little off does no harm. */
const batchRoom = {
  samples: contractLimits.batchSamples / 4,
  events: contractLimits.batchEvents / 2,
  bytes: contractLimits.batchBytes / 2,
} as const;
/** Batches that one commit may write. */
const batchesPerCommit = 8;

/** One append that waits for the disk. */
export interface Waiting {
  readonly items: readonly JournalItem[];
  /** Estimate of each item's encoded size, in the items' order. */
  readonly sizes: readonly number[];
  /** In one batch, with nothing else in it, whatever the usual room; it fits the contract. */
  readonly alone?: true;
  readonly resolve: (position: JournalPosition) => void;
  readonly reject: (error: Error) => void;
}

/** Items for one batch, and the appends that end in it. */
export interface BatchPlan {
  readonly items: readonly JournalItem[];
  readonly ending: readonly Waiting[];
}

interface OpenPlan {
  readonly items: JournalItem[];
  readonly ending: Waiting[];
  samples: number;
  bytes: number;
  closed: boolean;
}

/** Appends in order of arrival. */
export class GroupQueue {
  #waiting: Waiting[] = [];
  #items = 0;

  get appends(): number {
    return this.#waiting.length;
  }

  get items(): number {
    return this.#items;
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#items += waiting.items.length;
  }

  /** Takes the next commit's appends, laid out in batches. An append stays in one batch when it fits into one. */
  take(): readonly BatchPlan[] {
    const plans: OpenPlan[] = [];
    let taken = 0;
    for (const waiting of this.#waiting) {
      if (plans.length >= batchesPerCommit) break;
      layOut(waiting, plans);
      this.#items -= waiting.items.length;
      taken += 1;
    }
    this.#waiting = this.#waiting.slice(taken);
    return plans;
  }
}

function layOut(waiting: Waiting, plans: OpenPlan[]): void {
  if (waiting.alone === true) {
    const plan = openPlan(plans);
    plan.items.push(...waiting.items);
    plan.ending.push(waiting);
    plan.closed = true;
    return;
  }
  const { items, sizes } = waiting;
  const need = { samples: 0, events: 0, bytes: 0 };
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (item !== undefined && isSmall(item)) need.samples += 1;
    else need.events += 1;
    need.bytes += sizes[index] ?? 0;
  }
  let plan = plans.at(-1);
  if (plan === undefined || !hasRoom(plan, need)) plan = openPlan(plans);
  if (hasRoom(plan, need)) {
    plan.items.push(...items);
    plan.samples += need.samples;
    plan.bytes += need.bytes;
  } else {
    plan = layOutInMany(waiting, plan, plans);
  }
  plan.ending.push(waiting);
}

/** An append that does not fit in one batch. */
function layOutInMany({ items, sizes }: Waiting, first: OpenPlan, plans: OpenPlan[]): OpenPlan {
  let plan = first;
  for (const [index, item] of items.entries()) {
    const size = sizes[index] ?? 0;
    const one = { samples: isSmall(item) ? 1 : 0, events: isSmall(item) ? 0 : 1, bytes: size };
    if (!hasRoom(plan, one) && plan.items.length > 0) plan = openPlan(plans);
    plan.items.push(item);
    plan.samples += one.samples;
    plan.bytes += size;
  }
  return plan;
}

/** A receipt is bounded like a sample, not like an event. */
function isSmall(item: JournalItem): boolean {
  return item.kind === "sample" || item.kind === "receipt";
}

function hasRoom(
  plan: OpenPlan,
  need: { readonly samples: number; readonly events: number; readonly bytes: number },
): boolean {
  return (
    !plan.closed &&
    plan.samples + need.samples <= batchRoom.samples &&
    plan.items.length - plan.samples + need.events <= batchRoom.events &&
    plan.bytes + need.bytes <= batchRoom.bytes
  );
}

function openPlan(plans: OpenPlan[]): OpenPlan {
  const plan: OpenPlan = { items: [], ending: [], samples: 0, bytes: 0, closed: false };
  plans.push(plan);
  return plan;
}

export function rejectAll(ending: readonly Waiting[], error: Error): void {
  for (const waiting of ending) waiting.reject(error);
}
