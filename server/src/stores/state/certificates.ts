import type { CertificateRegister } from "../../core/authority.ts";
import type { GatewayCertificate } from "../../core/gateway-records.ts";
import type { Db } from "./rows.ts";
import type { CertificateRow } from "./schema.ts";

/** Certificates given to gateways. */
export function certificateRegister(db: Db): CertificateRegister {
  return {
    addCertificate({ gatewayId, serial, fingerprintSha256, notBeforeMs, notAfterMs, issuedMs, supersede }) {
      return db.transaction().execute(async (transaction) => {
        if (supersede) await revokeCertificates(transaction, gatewayId, issuedMs, "superseded");
        await transaction
          .insertInto("certificates")
          .values({
            serial,
            gateway_id: gatewayId,
            fingerprint: fingerprintSha256,
            not_before_ms: notBeforeMs,
            not_after_ms: notAfterMs,
            issued_ms: issuedMs,
            revoked_ms: null,
            reason: null,
          })
          .execute();
      });
    },

    async certificateStanding(serial) {
      const row = await db.selectFrom("certificates").selectAll().where("serial", "=", serial).executeTakeFirst();
      if (row === undefined) return undefined;
      return { gatewayId: row.gateway_id, fingerprintSha256: row.fingerprint, revoked: row.revoked_ms !== null };
    },
  };
}

/** Ends all certificates of a gateway that still count. */
export async function revokeCertificates(db: Db, gatewayId: string, atMs: number, reason: string): Promise<void> {
  await db
    .updateTable("certificates")
    .set({ revoked_ms: atMs, reason })
    .where("gateway_id", "=", gatewayId)
    .where("revoked_ms", "is", null)
    .execute();
}

export function certificateFromRow(row: CertificateRow): GatewayCertificate {
  return {
    serial: row.serial,
    fingerprintSha256: row.fingerprint,
    notBeforeMs: row.not_before_ms,
    notAfterMs: row.not_after_ms,
    issuedMs: row.issued_ms,
    revokedMs: row.revoked_ms,
    reason: row.reason,
  };
}
