import { secretReference } from "@frostlight/kernel";
import { z } from "zod";

/** [tck-id-topic-structure-namespace-valid-group-id], [-valid-edge-node-id]: UTF-8 without + / #. */
const sparkplugId = z
  .string()
  .min(1)
  .max(128)
  .refine((id) => !/[+/#\p{Cc}\p{Cs}]/u.test(id), "expected a Sparkplug id: no + / # and no control characters");

const fields = z.strictObject({
  /** MQTT servers in order of preference; one is used at a time. */
  servers: z
    .array(z.url({ protocol: /^mqtts?$/, error: "expected an address such as mqtts://broker.example.org:8883" }))
    .min(1)
    .max(8),
  group: sparkplugId,
  /** Unique together with the group on all those servers. */
  edgeNode: sparkplugId,
  /** Id of the primary host application: data flows only while it says that it is online. Without one, always. */
  primaryHost: sparkplugId.optional(),
  clientId: z.string().min(1).max(64).optional(),
  username: z.string().min(1).optional(),
  password: secretReference.optional(),
  /** PEM file of the authority to trust instead of the public ones (mqtts). */
  caFile: z.string().min(1).optional(),
  /** PEM files of the client certificate to show, and its private key (mqtts). */
  certFile: z.string().min(1).optional(),
  keyFile: z.string().min(1).optional(),
  version: z.enum(["3.1.1", "5"]).default("3.1.1"),
  keepaliveSeconds: z.int().min(5).max(3_600).default(30),
  /** How long to wait for the primary host on one server before the next is tried; only with more than one. */
  hostWaitSeconds: z.number().min(1).max(3_600).default(30),
  /** Requested births are at least this far apart; what comes between is answered by one. */
  rebirthIntervalSeconds: z.number().min(1).max(600).default(5),
  history: z
    .strictObject({
      /** What is older when the session begins is not handed over late. */
      maxHours: z.number().min(0).max(8_760).default(72),
      /** Late values; current ones go before them and are not held back. */
      valuesPerSecond: z.int().min(1).max(100_000).default(1_000),
      /** A session that broke may have had nobody listening for so long: that much of it is handed over again. */
      overlapSeconds: z.number().min(0).max(3_600).default(120),
    })
    .prefault({}),
});

export const sparkplugOptions = fields.superRefine((one, context) => {
  const problem = (message: string): void => {
    context.addIssue({ code: "custom", message });
  };
  if ((one.certFile === undefined) !== (one.keyFile === undefined)) {
    problem("expected certFile and keyFile together, or neither");
  }
  const hasTlsFiles = one.caFile !== undefined || one.certFile !== undefined;
  if (hasTlsFiles && one.servers.some((server) => server.startsWith("mqtt:"))) {
    problem("expected mqtts:// in every server beside caFile or certFile");
  }
});
export type SparkplugOptions = z.infer<typeof sparkplugOptions>;
