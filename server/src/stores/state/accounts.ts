import type { Clock } from "@frostlight/kernel";

import type { AccountStore, User } from "../../core/records.ts";
import type { Db } from "./rows.ts";

/** People, their sessions, and what they did. */
export function accountStore(db: Db, clock: Clock): AccountStore {
  return {
    async organisationCount() {
      const row = await db
        .selectFrom("organisations")
        .select((select) => select.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      return row.count;
    },

    async createOrganisation({ organisationId, name }) {
      await db
        .insertInto("organisations")
        .values({ organisation_id: organisationId, name, created_ms: clock.nowMs() })
        .execute();
    },

    async createUser(user) {
      await db
        .insertInto("users")
        .values({
          user_id: user.userId,
          organisation_id: user.organisationId,
          name: user.name,
          role: user.role,
          password_hash: user.passwordHash,
        })
        .execute();
    },

    async userByName(name) {
      const row = await db.selectFrom("users").selectAll().where("name", "=", name).executeTakeFirst();
      return row === undefined ? undefined : { ...userFromRow(row), passwordHash: row.password_hash };
    },

    async setPasswordHash(userId, passwordHash) {
      await db.updateTable("users").set({ password_hash: passwordHash }).where("user_id", "=", userId).execute();
    },

    async createSession({ tokenHash, userId, expiresMs }) {
      await db.transaction().execute(async (transaction) => {
        await transaction.deleteFrom("sessions").where("expires_ms", "<=", clock.nowMs()).execute();
        await transaction
          .insertInto("sessions")
          .values({ token_hash: tokenHash, user_id: userId, expires_ms: expiresMs })
          .execute();
      });
    },

    async userBySession(tokenHash, nowMs) {
      const row = await db
        .selectFrom("sessions")
        .innerJoin("users", "users.user_id", "sessions.user_id")
        .select(["users.user_id", "users.organisation_id", "users.name", "users.role"])
        .where("sessions.token_hash", "=", tokenHash)
        .where("sessions.expires_ms", ">", nowMs)
        .executeTakeFirst();
      return row === undefined ? undefined : userFromRow(row);
    },

    async deleteSession(tokenHash) {
      await db.deleteFrom("sessions").where("token_hash", "=", tokenHash).execute();
    },

    async deleteSessionsOf(userId) {
      await db.deleteFrom("sessions").where("user_id", "=", userId).execute();
    },

    async audit(entry) {
      await db.transaction().execute(async (transaction) => {
        const { last } = await transaction
          .selectFrom("audit")
          .select((select) => select.fn.max("audit_id").as("last"))
          .executeTakeFirstOrThrow();
        await transaction
          .insertInto("audit")
          .values({
            audit_id: (last ?? 0) + 1,
            time_ms: entry.timeMs,
            actor: entry.actor,
            organisation_id: entry.organisationId,
            action: entry.action,
            detail: entry.detail,
          })
          .execute();
      });
    },
  };
}

function userFromRow(row: {
  readonly user_id: string;
  readonly organisation_id: string;
  readonly name: string;
  readonly role: User["role"];
}): User {
  return { userId: row.user_id, organisationId: row.organisation_id, name: row.name, role: row.role };
}
