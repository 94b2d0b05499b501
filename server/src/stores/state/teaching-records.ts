import type { FindingVerdict } from "@frostlight/contract";

import type { FindingJudgement, StoredVerdict, TeachingRecords } from "../../core/teaching-records.ts";
import { changeFromRow, gatewayRow, trackedFromRow } from "./gateway-files.ts";
import { chunks, type Db } from "./rows.ts";

const newest = 200;
const verdicts: ReadonlySet<string> = new Set(["true", "false", "unclear"] satisfies FindingVerdict[]);
const subjectOf = (findingId: string): string => `finding:${findingId}`;

/** Verdicts on findings and steps of teaching, from the gateways' own records and from what was asked for. */
export function teachingRecords(db: Db): TeachingRecords {
  return {
    async judgements(scope, findingIds) {
      const found = new Map<string, { verdict: StoredVerdict | null; request: FindingJudgement["request"] }>();
      const of = (subject: string) => {
        const findingId = subject.slice(subjectOf("").length);
        const known = found.get(findingId) ?? { verdict: null, request: null };
        found.set(findingId, known);
        return known;
      };
      for (const part of chunks(findingIds.map(subjectOf), 1)) {
        const changes = await db
          .selectFrom("changes")
          .selectAll()
          .where("organisation_id", "=", scope.organisationId)
          .where("subject", "in", part)
          .where("what", "=", "verdict")
          .orderBy("time_ms")
          .execute();
        for (const { subject, after, author, reason, time_ms: timeMs } of changes) {
          if (!isVerdict(after)) continue;
          of(subject).verdict = { verdict: after, actor: author, comment: reason, timeMs };
        }
        const commands = await db
          .selectFrom("commands")
          .selectAll()
          .where("organisation_id", "=", scope.organisationId)
          .where("subject", "in", part)
          .where("kind", "=", "judge-finding")
          .orderBy("issued_ms")
          .execute();
        for (const row of commands) of(row.subject).request = trackedFromRow(row);
      }
      return found;
    },

    async teaching(scope, gatewayId) {
      const row = await gatewayRow(db, scope, gatewayId);
      if (row === undefined) return undefined;
      const changes = await db
        .selectFrom("changes")
        .selectAll()
        .where("gateway_id", "=", gatewayId)
        .where("what", "=", "teaching")
        .orderBy("time_ms", "desc")
        .limit(newest)
        .execute();
      const commands = await db
        .selectFrom("commands")
        .selectAll()
        .where("gateway_id", "=", gatewayId)
        .where("kind", "=", "teach")
        .orderBy("issued_ms", "desc")
        .limit(newest)
        .execute();
      return {
        siteId: row.site_id,
        isRevoked: row.revoked_ms !== null,
        changes: changes.map(changeFromRow),
        commands: commands.map(trackedFromRow),
      };
    },
  };
}

function isVerdict(text: string): text is FindingVerdict {
  return verdicts.has(text);
}
