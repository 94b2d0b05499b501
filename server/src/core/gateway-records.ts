import type { ChangeRecord, Command, Explanation, SiteDescription } from "@frostlight/contract";

import type { EpochState } from "./ingest.ts";
import type { Gateway, Scope } from "./records.ts";

/** pending: on its way · done: its effect was seen · failed: the gateway said why not · superseded: a newer one took its place. */
export type CommandStatus = "pending" | "done" | "failed" | "expired" | "superseded";

/** A command and what has come of it. */
export interface TrackedCommand {
  readonly command: Command;
  /** What it acts on: a point, a source, "configuration". */
  readonly subject: string;
  readonly status: CommandStatus;
  readonly finishedMs: number | null;
  /** How often it was handed to the gateway. */
  readonly attempts: number;
  /** Why it failed. */
  readonly outcome: Explanation | null;
}

/** A certificate given to a gateway. */
export interface GatewayCertificate {
  readonly serial: string;
  readonly fingerprintSha256: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedMs: number;
  readonly revokedMs: number | null;
  readonly reason: string | null;
}

/** A configuration as it was sent. `unsent`: the server stopped before its command was stored. */
export interface ConfigurationVersion {
  readonly version: number;
  /** Of the text, hex: a gateway's description names the one in force. */
  readonly sha256: string;
  readonly author: string;
  readonly reason: string;
  readonly createdMs: number;
  readonly status: CommandStatus | "unsent";
  readonly finishedMs: number | null;
  readonly outcome: Explanation | null;
}

export interface StoredChange extends ChangeRecord {
  readonly siteId: string;
}

/** Everything the server knows about one gateway; undefined when the scope has no such gateway. */
export interface GatewayFile {
  readonly gateway: Gateway;
  readonly description: SiteDescription | null;
  /** Newest first. */
  readonly certificates: readonly GatewayCertificate[];
  readonly epochs: readonly EpochState[];
  /** Newest first, bounded. */
  readonly changes: readonly StoredChange[];
  /** Newest first, bounded; without those about alarms. */
  readonly commands: readonly TrackedCommand[];
  /** Newest first, bounded. */
  readonly configurations: readonly ConfigurationVersion[];
}

export interface GatewayFiles {
  /** @param gapBeforeMs holes are reported when the batch after them arrived before this time */
  gatewayFile(scope: Scope, gatewayId: string, gapBeforeMs: number): Promise<GatewayFile | undefined>;
  configurationText(scope: Scope, gatewayId: string, version: number): Promise<string | undefined>;
  /**
   * Keeps a configuration under the next version.
   * @param sign called inside the transaction, once the version is known
   * @returns undefined when the scope has no such gateway, or it was revoked
   */
  addConfiguration(
    scope: Scope,
    draft: {
      readonly gatewayId: string;
      readonly yaml: string;
      readonly author: string;
      readonly reason: string;
      readonly createdMs: number;
      readonly commandId: string;
    },
    sign: (version: number) => Uint8Array,
  ): Promise<{ readonly version: number; readonly signature: Uint8Array; readonly siteId: string } | undefined>;
}
