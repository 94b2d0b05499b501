import type { Quantity } from "@frostlight/contract";

import type { Unit } from "./units.ts";

/** A measured value that was seen and that no point is configured for. */
export interface Discovery {
  /** What a person reads: the topic and field, the node's browse path, the register's name. Unique within the source. */
  readonly label: string;
  /** Valid input of the source's address schema: with it a configured point would get these values. */
  readonly address: unknown;
  /** Payload dialect recognised; null where there is none (OPC UA, Modbus). */
  readonly dialect: string | null;
  readonly quantity: Quantity;
  readonly unit: Unit | null;
  /** The value last seen; null when it was no number. */
  readonly value: number | null;
}

/** As the gateway keeps it. */
export interface DiscoveredPoint extends Discovery {
  readonly sourceId: string;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly count: number;
}
