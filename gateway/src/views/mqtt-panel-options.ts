import { secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { rights } from "./people.ts";

/** One level of a topic. */
const level = /^[^+#/\p{Cc}]+$/u;

const fields = z.strictObject({
  /** The gateway's own broker, or one of the plant. */
  url: z.url({ protocol: /^mqtts?$/, error: "expected an address such as mqtt://127.0.0.1:1883" }),
  username: z.string().min(1).max(200).optional(),
  password: secretReference.optional(),
  /** PEM file of the authority to trust instead of the public ones (mqtts). */
  caFile: z.string().min(1).optional(),
  /** Everything is below this topic; without it, frostlight/ and the gateway's id. */
  topic: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^+#\p{Cc}]+$/u, "expected a topic without + and #")
    .optional(),
  /**
   * Who may do what. The broker must let each of them publish below `<topic>/acts/<user>/` and nobody else: there it is the
   * broker that knows who speaks.
   */
  users: z
    .array(z.strictObject({ user: z.string().max(128).regex(level, "expected a name without + # /"), may: rights }))
    .max(200)
    .default([]),
  keepaliveSeconds: z.int().min(5).max(3_600).default(30),
});

export const mqttPanelOptions = fields.superRefine(({ users, caFile, url }, context) => {
  const names = users.map(({ user }) => user);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) context.addIssue({ code: "custom", message: `user "${twice}" is there twice` });
  if (caFile !== undefined && url.startsWith("mqtt:")) {
    context.addIssue({ code: "custom", message: "expected mqtts:// beside caFile" });
  }
});
export type MqttPanelOptions = z.output<typeof mqttPanelOptions>;
