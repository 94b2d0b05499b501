import type { Clock, Logger, Random } from "@frostlight/kernel";
import type { z } from "zod";

/** A listener that wants to see the gateway's certificate. */
export interface MutualTls {
  readonly url: string;
  readonly keyPem: string;
  readonly certificatePem: string;
  /** The one authority that is believed there. */
  readonly caPem: string;
}

/** What a transport is given. Acks and commands arrive as the contract's bytes. */
export interface TransportContext {
  readonly gatewayId: string;
  /** As the server said when the gateway joined. */
  readonly serverUrl: string;
  readonly mqttUrl: string;
  readonly username: string;
  readonly password: string;
  /** PEM of the authority that signed the server's certificate; undefined: the system's. */
  readonly ca: string | undefined;
  /** The gateway's certificate and where it is taken, when it has one: looked at anew for each connection. */
  readonly mutualTls?: () => MutualTls | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  onAck(bytes: Uint8Array): void;
  /** The transport tells the server that the command arrived only once this has resolved. */
  onCommand(bytes: Uint8Array): Promise<void>;
}

/** A connection that works, until `closed` resolves with the reason why it does not any more. */
export interface Link {
  /** Hands a sealed batch over. Whether it arrives, only the server's ack says. */
  send(sealed: Uint8Array): void;
  readonly closed: Promise<string>;
  /** What carries it, for the status: "mqtt", "https". */
  readonly via: string;
  /** Ends it; harmless when it has ended. */
  close(): Promise<void>;
}

/** One way to one server. */
export interface Transport {
  /** Tries once; rejects with a coded error. The uplink tries again by itself, never two at a time. */
  connect(signal: AbortSignal): Promise<Link>;
}

/** A way to carry batches up and acks and commands down. `open` does no I/O. */
export interface TransportDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  /** Valid input of `options`, used by the conformance suite and the docs. */
  readonly example: unknown;
  open(options: Options, context: TransportContext): Transport;
}

/** Gives a definition its types by inference. */
export function defineTransport<const K extends string, Options>(
  definition: TransportDefinition<K, Options>,
): TransportDefinition<K, Options> {
  return definition;
}
