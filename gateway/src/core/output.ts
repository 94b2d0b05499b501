import type { Clock, Logger } from "@frostlight/kernel";
import type { z } from "zod";

export interface OutputContext {
  readonly outputId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For secret references only. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Something that makes noise or light: it is told what to be, again and again, and may fail. */
export interface Output {
  /** Rejects when it could not be brought about; called with the same value it makes sure of it. */
  set(isOn: boolean, signal: AbortSignal): Promise<void>;
  /** Lets connections go; leaves what is on or off as it is. */
  close(): Promise<void>;
}

/** A way to reach a siren, beacon or relay. `open` does no I/O. */
export interface OutputDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  readonly example: { readonly options: unknown };
  open(options: Options, context: OutputContext): Output;
}

/** Gives a definition its types by inference. */
export function defineOutput<const K extends string, Options>(
  definition: OutputDefinition<K, Options>,
): OutputDefinition<K, Options> {
  return definition;
}

/** As shown on the local page. */
export interface OutputStatus {
  readonly outputId: string;
  readonly kind: string;
  /** What the alarms ask for. */
  readonly wanted: "on" | "off";
  /** Whether the output did it; null before the first try. */
  readonly isDone: boolean | null;
  readonly problem: string | null;
}
