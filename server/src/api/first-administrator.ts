import type { Clock, Random } from "@frostlight/kernel";

import type { AccountStore } from "../core/records.ts";
import { PasswordHasher } from "./passwords.ts";

/** 32 characters that are not mistaken for each other when read aloud. */
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789";

/** 20 characters in groups of five: 100 bits. */
function generatePassword(random: Random): string {
  const letters = [...random.bytes(20)].map((byte) => alphabet[byte % alphabet.length] ?? "a").join("");
  return letters.replace(/(.{5})(?=.)/g, "$1-");
}

/** The first organisation's id: fixed, so that a first run that was cut off half-way is completed by the next. */
const firstOrganisationId = "main";

/**
 * At the first run: creates the first organisation and the user `admin` with a generated password, which is printed
 * exactly once and stored only as its hash. Later runs do nothing.
 */
export async function ensureFirstAdministrator(ports: {
  readonly accounts: AccountStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly print: (line: string) => void;
  readonly organisationName?: string;
}): Promise<
  { readonly kind: "created"; readonly organisationId: string; readonly userId: string } | { readonly kind: "exists" }
> {
  const { accounts, clock, random, print } = ports;
  const organisations = await accounts.organisationCount();
  if (organisations > 1 || (await accounts.userByName("admin")) !== undefined) return { kind: "exists" };
  const organisationId = firstOrganisationId;
  if (organisations === 0) {
    await accounts.createOrganisation({ organisationId, name: ports.organisationName ?? "Frostlight" });
  }
  const password = generatePassword(random);
  const passwordHash = await new PasswordHasher().hash(password);
  const userId = `user-${random.uuid()}`;
  await accounts.createUser({ userId, organisationId, name: "admin", role: "administrator", passwordHash });
  await accounts.audit({
    timeMs: clock.nowMs(),
    actor: "first run",
    organisationId,
    action: "administrator-created",
    detail: "admin",
  });
  print(`First run: sign in as "admin" with the password ${password} (shown only now; change it after signing in).`);
  return { kind: "created", organisationId, userId };
}
