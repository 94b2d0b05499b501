import { readFile } from "node:fs/promises";

import { readSecret, secretReference } from "@frostlight/kernel";
import type { IClientOptions } from "mqtt";
import { z } from "zod";

const fields = z.strictObject({
  url: z.url({ protocol: /^(?:mqtts?|wss?)$/, error: "expected an address such as mqtt://broker.local:1883" }),
  /** Stable and unique on that broker: it names the session. By default one is made once and kept. */
  clientId: z.string().min(1).max(64).optional(),
  username: z.string().min(1).optional(),
  password: secretReference.optional(),
  /** PEM file of the authority to trust instead of the public ones (mqtts, wss). */
  caFile: z.string().min(1).optional(),
  /** PEM files of the client certificate to show, and its private key. */
  certFile: z.string().min(1).optional(),
  keyFile: z.string().min(1).optional(),
  version: z.enum(["3.1.1", "5"]).default("3.1.1"),
  /** How long the broker keeps our session while we are away (MQTT 5; with 3.1.1 the broker decides). */
  sessionExpiryHours: z.number().min(1).max(8_760).default(168),
  keepaliveSeconds: z.int().min(5).max(3_600).default(30),
  payloadLimitBytes: z.int().min(64).max(1_048_576).default(65_536),
  /** Messages being written at once; further ones wait in the network. */
  maxInFlight: z.int().min(1).max(10_000).default(500),
});

/** Options of a client of somebody else's broker. */
export const mqttOptions = fields.superRefine(({ certFile, keyFile }, context) => {
  if ((certFile === undefined) === (keyFile === undefined)) return;
  context.addIssue({ code: "custom", message: "expected certFile and keyFile together, or neither" });
});
export type MqttOptions = z.infer<typeof mqttOptions>;

/** Name, password, authority and certificate for mqtt.js. Rejects when a file or secret cannot be read. */
export async function mqttCredentials(
  { username, password, caFile, certFile, keyFile }: MqttOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Pick<IClientOptions, "username" | "password" | "ca" | "cert" | "key">> {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: await readSecret(password, environment) }),
    ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
    ...(certFile === undefined ? {} : { cert: await readFile(certFile) }),
    ...(keyFile === undefined ? {} : { key: await readFile(keyFile) }),
  };
}
