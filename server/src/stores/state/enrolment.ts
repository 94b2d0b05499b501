import { type Clock, FrostlightError } from "@frostlight/kernel";

import type { EnrolResult, GatewayAccess, KnownGateway } from "../../core/ingest.ts";
import type { EnrolmentStore, Scope } from "../../core/records.ts";
import { revokeCertificates } from "./certificates.ts";
import type { Db } from "./rows.ts";
import type { GatewayRow, TokenRow } from "./schema.ts";

/** Sites, tokens, gateways: joining and leaving. */
export function enrolmentStore(db: Db, clock: Clock): EnrolmentStore & GatewayAccess {
  const revocationListeners = new Set<(gatewayId: string) => void>();

  return {
    async createSite(scope, siteId) {
      await db.transaction().execute(async (transaction) => {
        const known = await transaction
          .selectFrom("sites")
          .select("organisation_id")
          .where("site_id", "=", siteId)
          .executeTakeFirst();
        if (known?.organisation_id === scope.organisationId) return;
        if (known !== undefined) {
          throw new FrostlightError("state/site-exists", "data", `the site id "${siteId}" is taken`);
        }
        await transaction
          .insertInto("sites")
          .values({ site_id: siteId, organisation_id: scope.organisationId, created_ms: clock.nowMs() })
          .execute();
      });
    },

    async createToken(scope, token) {
      await requireSite(db, scope, token.siteId);
      await db
        .insertInto("enrolment_tokens")
        .values({
          token_hash: token.tokenHash,
          organisation_id: scope.organisationId,
          site_id: token.siteId,
          expires_ms: token.expiresMs,
          used_ms: null,
          used_public_key: null,
          created_ms: clock.nowMs(),
        })
        .execute();
    },

    async revokeGateway(scope, gatewayId, atMs) {
      const isRevoked = await db.transaction().execute(async (transaction) => {
        const result = await transaction
          .updateTable("gateways")
          .set({ revoked_ms: atMs, connected: 0 })
          .where("gateway_id", "=", gatewayId)
          .where("organisation_id", "=", scope.organisationId)
          .where("revoked_ms", "is", null)
          .executeTakeFirst();
        if (result.numUpdatedRows === 0n) return false;
        await revokeCertificates(transaction, gatewayId, atMs, "gateway-revoked");
        return true;
      });
      if (!isRevoked) return false;
      for (const listener of revocationListeners) listener(gatewayId);
      return true;
    },

    enrolGateway(enrolment) {
      return db.transaction().execute(async (transaction): Promise<EnrolResult> => {
        const token = await transaction
          .selectFrom("enrolment_tokens")
          .selectAll()
          .where("token_hash", "=", enrolment.tokenHash)
          .executeTakeFirst();
        const gateway = await transaction
          .selectFrom("gateways")
          .selectAll()
          .where("gateway_id", "=", enrolment.gatewayId)
          .executeTakeFirst();
        const refusal = refuse(token, gateway, enrolment);
        if (refusal !== undefined || token === undefined) {
          return { kind: "refused", reason: refusal ?? "token-unknown" };
        }
        await transaction
          .updateTable("enrolment_tokens")
          .set({ used_ms: token.used_ms ?? enrolment.atMs, used_public_key: enrolment.publicKey })
          .where("token_hash", "=", enrolment.tokenHash)
          .execute();
        await transaction
          .insertInto("gateways")
          .values({
            gateway_id: enrolment.gatewayId,
            organisation_id: token.organisation_id,
            site_id: token.site_id,
            public_key: enrolment.publicKey,
            secret_hash: enrolment.secretHash,
            enrolled_ms: enrolment.atMs,
            revoked_ms: null,
            last_seen_ms: null,
            connected: 0,
            refused_attempts: 0,
            last_refused_ms: null,
          })
          .onConflict((conflict) =>
            conflict.column("gateway_id").doUpdateSet({
              site_id: token.site_id,
              secret_hash: enrolment.secretHash,
              enrolled_ms: enrolment.atMs,
              revoked_ms: null,
              refused_attempts: 0,
              last_refused_ms: null,
            }),
          )
          .execute();
        return { kind: "enrolled", organisationId: token.organisation_id, siteId: token.site_id };
      });
    },

    async gatewayCredentials(gatewayId) {
      const row = await db.selectFrom("gateways").selectAll().where("gateway_id", "=", gatewayId).executeTakeFirst();
      return row === undefined ? undefined : { ...knownGateway(row), secretHash: row.secret_hash };
    },

    async countRefusedAttempt(gatewayId) {
      await db
        .updateTable("gateways")
        .set((update) => ({ refused_attempts: update("refused_attempts", "+", 1), last_refused_ms: clock.nowMs() }))
        .where("gateway_id", "=", gatewayId)
        .execute();
    },

    async setConnected(gatewayId, connected, atMs) {
      await db
        .updateTable("gateways")
        .set({ connected: connected ? 1 : 0, last_seen_ms: atMs })
        .where("gateway_id", "=", gatewayId)
        .execute();
    },

    async disconnectAll() {
      await db.updateTable("gateways").set({ connected: 0 }).where("connected", "<>", 0).execute();
    },

    async addEvidence(evidence) {
      const result = await db
        .insertInto("evidence")
        .values({
          sha256: evidence.sha256,
          site_id: evidence.siteId,
          organisation_id: evidence.organisationId,
          gateway_id: evidence.gatewayId,
          media_type: evidence.mediaType,
          size_bytes: evidence.sizeBytes,
          stored_ms: evidence.storedMs,
        })
        .onConflict((conflict) => conflict.columns(["sha256", "site_id"]).doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },

    onRevoked(listener) {
      revocationListeners.add(listener);
      return () => {
        revocationListeners.delete(listener);
      };
    },
  };
}

export function knownGateway(row: GatewayRow): KnownGateway {
  return {
    gatewayId: row.gateway_id,
    organisationId: row.organisation_id,
    siteId: row.site_id,
    publicKey: row.public_key,
    revoked: row.revoked_ms !== null,
  };
}

function refuse(
  token: TokenRow | undefined,
  gateway: GatewayRow | undefined,
  enrolment: { readonly publicKey: string; readonly atMs: number },
): Extract<EnrolResult, { kind: "refused" }>["reason"] | undefined {
  if (token === undefined) return "token-unknown";
  if (token.expires_ms <= enrolment.atMs) return "token-expired";
  if (token.used_public_key !== null && token.used_public_key !== enrolment.publicKey) return "token-used";
  // A revoked gateway comes back only by a token that somebody made after it was revoked.
  if (gateway !== undefined && gateway.revoked_ms !== null && token.created_ms <= gateway.revoked_ms) {
    return "gateway-revoked";
  }
  if (gateway !== undefined && gateway.public_key !== enrolment.publicKey) return "gateway-id-taken";
  if (gateway !== undefined && gateway.organisation_id !== token.organisation_id) {
    return "gateway-of-another-organisation";
  }
  return undefined;
}

async function requireSite(db: Db, scope: Scope, siteId: string): Promise<void> {
  const site = await db
    .selectFrom("sites")
    .select("site_id")
    .where("site_id", "=", siteId)
    .where("organisation_id", "=", scope.organisationId)
    .executeTakeFirst();
  if (site === undefined) throw new FrostlightError("state/unknown-site", "data", `there is no site "${siteId}"`);
}
