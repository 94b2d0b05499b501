import type { FindingVerdict } from "@frostlight/contract";

import type { StoredChange, TrackedCommand } from "./gateway-records.ts";
import type { Scope } from "./records.ts";

/** What a person said of a finding, as the gateway's own record has it. */
export interface StoredVerdict {
  readonly verdict: FindingVerdict;
  readonly actor: string;
  readonly comment: string;
  readonly timeMs: number;
}

export interface FindingJudgement {
  readonly verdict: StoredVerdict | null;
  /** The newest request for a verdict, whatever came of it. */
  readonly request: TrackedCommand | null;
}

/** Verdicts on findings, and teaching. Every query goes through a scope. */
export interface TeachingRecords {
  /** By finding id; one that nobody judged or asked to judge is left out. */
  judgements(scope: Scope, findingIds: readonly string[]): Promise<ReadonlyMap<string, FindingJudgement>>;
  /** Newest first, bounded; undefined when the scope has no such gateway. */
  teaching(
    scope: Scope,
    gatewayId: string,
  ): Promise<
    | {
        readonly siteId: string;
        readonly isRevoked: boolean;
        readonly changes: readonly StoredChange[];
        readonly commands: readonly TrackedCommand[];
      }
    | undefined
  >;
}
