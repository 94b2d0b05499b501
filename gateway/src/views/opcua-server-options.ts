import { secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { rights } from "./people.ts";

const policies = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] as const;

const fields = z.strictObject({
  /** The network interface's address; all of them when not given. */
  host: z.union([z.ipv4(), z.ipv6(), z.literal("localhost")]).optional(),
  port: z.int().min(1).max(65_535).default(4840),
  /** Names and addresses that clients call it by, besides the machine's own: they stand in the endpoints and the certificate. */
  hostNames: z
    .array(z.string().regex(/^[a-zA-Z0-9.:-]{1,253}$/, "expected a host name or an address"))
    .max(16)
    .default([]),
  /** There is no unsecured endpoint; messages are signed and encrypted. */
  policies: z
    .array(z.enum(policies))
    .min(1)
    .default([...policies]),
  /** Who may look; `may` names what else. */
  users: z
    .array(
      z.strictObject({
        username: z.string().min(1).max(128),
        password: secretReference,
        may: rights.default([]),
      }),
    )
    .max(100)
    .default([]),
  /** Whether clients with an approved certificate may look without a user name. They may do nothing. */
  anonymous: z.boolean().default(false),
  /** Of the messages of alarms. */
  language: z.enum(["zh", "en"]).default("zh"),
  maxSessions: z.int().min(1).max(100).default(10),
});

export const opcuaServerOptions = fields.superRefine(({ users, anonymous }, context) => {
  const names = users.map(({ username }) => username);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) context.addIssue({ code: "custom", message: `user "${twice}" is there twice` });
  if (users.length === 0 && !anonymous) {
    context.addIssue({ code: "custom", message: "nobody could connect: expected users, or anonymous: true" });
  }
});
export type OpcUaServerOptions = z.output<typeof opcuaServerOptions>;
