import type { CommandAction } from "@frostlight/contract";

import type { ApiPorts, Caller } from "./context.ts";

/** Sends a gateway a command in the caller's name, and writes down that they asked. */
export async function askGateway(
  { commands, accounts, clock, random }: Pick<ApiPorts, "commands" | "accounts" | "clock" | "random">,
  { scope, user }: Caller,
  given: {
    readonly siteId: string;
    readonly gatewayId: string;
    readonly commandId?: string;
    readonly action: CommandAction;
    /** What the audit says was asked for; "<kind>-requested" when left out. */
    readonly audited?: string;
    readonly detail: string;
  },
): Promise<{ readonly commandId: string; readonly issuedAtMs: number }> {
  const { siteId, gatewayId, commandId = random.uuid(), action, audited, detail } = given;
  const issuedAtMs = clock.nowMs();
  await commands.enqueue(scope, { siteId, gatewayId }, { commandId, actor: user.name, issuedAtMs, action });
  await accounts.audit({
    timeMs: issuedAtMs,
    actor: user.name,
    organisationId: user.organisationId,
    action: audited ?? `${action.kind}-requested`,
    detail,
  });
  return { commandId, issuedAtMs };
}
