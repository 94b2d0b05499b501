import type { Clock, Logger, Part, Random } from "@frostlight/kernel";
import type { z } from "zod";

import type { Discovery } from "./discovery.ts";
import type { PeerTrust } from "./peer-trust.ts";
import type { Reading, Refusal } from "./reading.ts";
import type { Unit } from "./units.ts";

/** Where a source stands. `degraded`: works in part. */
export interface SourceState {
  readonly state: "starting" | "ok" | "degraded" | "offline";
  /** Stable code, e.g. "connected", "connect-failed", "certificate-unknown", "session-frozen". */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

/** A point as a source sees it: its name and where to find it. */
export interface PointBinding<Address> {
  readonly pointId: string;
  /** Unit the device reports in, when the payload does not say. */
  readonly unit: Unit;
  readonly address: Address;
  readonly expectedIntervalMs: number;
}

export interface SourceContext {
  readonly sourceId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A folder of this source's own for durable state (PKI, sessions); exists. */
  readonly stateFolder: string;
  /** For secret references only. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Hands readings over. Resolves once they are durable in the journal; a source that acknowledges to its sender must
   * await that first (of a point that is summarised, see `unacknowledged`: once they count in its summary). Rejects (`journal/…`) when they could not be written: then the sender gets no acknowledgement.
   * @param receipts marks of the deliveries these readings came in (integers below 2^48); durable together with them
   */
  submit(readings: readonly Reading[], receipts?: readonly number[]): Promise<void>;
  /** True when a delivery with this receipt is already durable (the newest some 100,000 are known, also after a crash). */
  wasRecorded(receipt: number): boolean;
  /** Something seen that no point is configured for; the newest some hundred are kept. Never throws. */
  discover(found: Discovery): void;
  /** Which servers' certificates a person has approved. */
  readonly trust: PeerTrust;
  /** Counts and shows a payload that cannot be used. Never throws. */
  refuse(refusal: Omit<Refusal, "sourceId">): void;
  /** Reports where the source stands; repeating the same state is harmless. */
  setState(state: SourceState): void;
}

/** One thing that was looked at: in order, or not. */
export interface CheckFinding {
  /** What: an address, a unit, a point's name. */
  readonly what: string;
  readonly isOk: boolean;
  /** For people: what was found, and what was expected when that is another thing. */
  readonly message: string;
}

/** What a single look at a source's peers may use. Nothing of it outlives the look. */
export interface ProbeContext extends Pick<
  SourceContext,
  "sourceId" | "clock" | "random" | "logger" | "environment" | "trust"
> {
  /** A copy of the source's folder that is thrown away afterwards. */
  readonly stateFolder: string;
  /** What a gateway that runs now says of this source: what only one process can have (a port, a serial line) is its. */
  readonly running: SourceState | undefined;
}

/**
 * A sensor protocol. `open` does no I/O; work begins with `start()` and ends with `stop()`. A source that cannot reach its
 * peer starts anyway, reports `offline` and keeps trying.
 */
export interface SourceDefinition<K extends string = string, Options = unknown, Address = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  /** Schema of a point's `address` for this kind of source. */
  readonly address: z.ZodType<Address>;
  /**
   * Nobody is told that these readings are safe (they are polled, or pushed without an acknowledgement): a recording policy
   * may summarise them before they reach the journal.
   */
  readonly unacknowledged?: true;
  /** Valid input of both schemas, used by the conformance suite and the docs. */
  readonly example: { readonly options: unknown; readonly address: unknown };
  open(options: Options, points: readonly PointBinding<Address>[], context: SourceContext): Part;
  /** Looks once whether the peers can be reached and have what is configured. Leaves no trace: no session, no state. Never rejects for what a peer does; ends soon after `signal`. */
  check(
    options: Options,
    points: readonly PointBinding<Address>[],
    context: ProbeContext,
    signal: AbortSignal,
  ): Promise<readonly CheckFinding[]>;
  /** Tells what is there to be measured, until `signal` or until all is told. Absent: only a running gateway can see it. */
  discover?(
    options: Options,
    points: readonly PointBinding<Address>[],
    context: ProbeContext,
    tell: (found: Discovery) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Gives a definition its types by inference. */
export function defineSource<const K extends string, Options, Address>(
  definition: SourceDefinition<K, Options, Address>,
): SourceDefinition<K, Options, Address> {
  return definition;
}
