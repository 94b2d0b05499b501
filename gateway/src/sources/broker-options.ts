import { z } from "zod";

import { accessOptions, accessProblem } from "./broker-access.ts";
import { tlsOptions } from "./broker-listener.ts";

/** Options of the embedded broker. */
export const brokerOptions = z
  .strictObject({
    /** Address to listen on; "0.0.0.0" for sensors on the network. */
    host: z.string().min(1).default("127.0.0.1"),
    /** 0: any free port; null: TLS only. */
    port: z.int().min(0).max(65_535).nullable().default(1883),
    /** A listener with TLS, beside the plain one or instead of it. */
    tls: tlsOptions.optional(),
    ...accessOptions,
    /** Larger payloads are refused and the client is disconnected. */
    payloadLimitBytes: z.int().min(64).max(1_048_576).default(65_536),
    maxConnections: z.int().min(1).max(10_000).default(500),
    /** Per client; what comes faster waits. */
    messagesPerSecond: z.int().min(1).max(1_000_000).default(5_000),
    /** A client that does not read for so long is cut off. */
    drainTimeoutSeconds: z.number().min(0.1).max(300).default(5),
    /** A session whose client is away for longer ends. */
    sessionExpiryHours: z.number().min(1).max(8_760).default(168),
    /** Messages that wait for one subscriber; further ones are given up, counted and shown. */
    maxQueuedMessages: z.int().min(0).max(100_000).default(1_000),
    /** Topics whose last message is kept for later subscribers. */
    maxRetainedMessages: z.int().min(0).max(100_000).default(2_000),
  })
  .superRefine((one, context) => {
    const nowhere =
      one.port === null && one.tls === undefined ? "port is null and there is no tls: nowhere to listen" : undefined;
    const message = accessProblem(one) ?? nowhere;
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
export type BrokerOptions = z.infer<typeof brokerOptions>;
