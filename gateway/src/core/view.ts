import type { AlarmEvent, Sample } from "@frostlight/contract";
import type { Clock, Logger, Part, Random } from "@frostlight/kernel";
import type { z } from "zod";

import type { ActiveAlarm, ActOutcome, PersonAction, RoomKnowledge } from "./alarm-engine.ts";
import type { JournalReader } from "./journal.ts";
import type { PeerTrust } from "./peer-trust.ts";
import type { Point, Zone } from "./site.ts";

/** Where a view stands. `waiting`: connected, and the other side is not ready for data. */
export interface ViewState {
  readonly state: "starting" | "offline" | "waiting" | "online";
  /** Stable code, e.g. "connected", "connect-failed", "host-offline". */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

/** What a view did since the start of the process, and how far behind it is. */
export interface ViewStatus extends ViewState {
  readonly viewId: string;
  readonly kind: string;
  /** Sessions begun. */
  readonly connects: number;
  readonly messages: number;
  /** Values handed over, the late ones included. */
  readonly values: number;
  /** Values handed over late, marked as such. */
  readonly lateValues: number;
  /** Orders from the other side that were not carried out. */
  readonly refusedCommands: number;
  /** Batches of the journal that wait to be handed over. */
  readonly waitingBatches: number;
  /** Batches that were not handed over because they were too old or are not in the journal any more. */
  readonly skippedBatches: number;
}

/** Open alarms by priority. */
export interface AlarmCounts {
  readonly critical: number;
  readonly high: number;
  readonly warning: number;
}

/** What somebody asks for through another system. */
interface ForeignAct {
  readonly action: PersonAction;
  readonly actor: string;
  /** The same key again is the same act: it is done once, and its outcome is told again. null: it cannot come twice. */
  readonly onceKey: string | null;
}

/** The rights a person can have through another system, one by one. */
export const actKinds = [
  "acknowledge",
  "action-done",
  "shelve",
  "unshelve",
  "reset",
  "set-service",
] as const satisfies readonly PersonAction["kind"][];

export interface ViewContext {
  readonly viewId: string;
  readonly gatewayId: string;
  readonly softwareVersion: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A folder of this view's own for durable state. */
  readonly stateFolder: string;
  /** For secret references only. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is durable, in order; a view reads it at its own pace. */
  readonly journal: JournalReader;
  readonly zones: readonly Zone[];
  readonly points: readonly Point[];
  /** What is known of a point now. */
  latest(pointId: string): { readonly sample: Sample; readonly stale: boolean } | undefined;
  alarms(): AlarmCounts;
  openAlarms(): readonly ActiveAlarm[];
  /** Called once alarms have changed and the change was written; returns the unsubscribe function. */
  onAlarms(listener: (events: readonly AlarmEvent[]) => void): () => void;
  /** What is known of the rooms: the estimated temperature of the goods, what was learned. */
  rooms(): readonly RoomKnowledge[];
  /** Resolves when what came of it is durable. Throws when the disk does not take it. */
  act(act: ForeignAct): Promise<ActOutcome>;
  /** Which certificates of peers a person has approved. */
  readonly trust: PeerTrust;
}

/** A picture of the gateway's data for another system, beside the truth channel. It never holds anything up. */
export interface View extends Part {
  status(): ViewStatus;
}

/**
 * A kind of view. `open` does no I/O; work begins with `start()` and ends with `stop()`. A view that cannot reach its peer
 * starts anyway, reports `offline` and keeps trying.
 */
export interface ViewDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  /** Valid input of `options`, used by the conformance suite and the docs. */
  readonly example: unknown;
  /** `history`: every sample, late ones too, by way of the journal; `present`: what is now. */
  readonly shows: "history" | "present";
  /** Others connect to it: it is online without a peer. */
  readonly listens?: true;
  open(options: Options, context: ViewContext): View;
}

/** Gives a definition its types by inference. */
export function defineView<const K extends string, Options>(
  definition: ViewDefinition<K, Options>,
): ViewDefinition<K, Options> {
  return definition;
}
