import { secretReference } from "@frostlight/kernel";
import { z } from "zod";

const publicUrl = z
  .url({ protocol: /^mqtts?$/ })
  .optional()
  .describe("where gateways find the broker; told them when they join");

const embedded = z.strictObject({
  kind: z.literal("embedded"),
  host: z.string().min(1).default("127.0.0.1").describe("address to listen on; 0.0.0.0 for all, then with tls"),
  port: z.int().min(0).max(65_535).default(8_883).describe("0 takes a free one"),
  tls: z
    .strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1) })
    .optional()
    .describe("PEM files of the server's certificate chain and key"),
  publicUrl,
  mutualTls: z
    .strictObject({
      host: z.string().min(1).optional().describe("default: the same as the other listener's"),
      port: z.int().min(0).max(65_535).default(8_884).describe("0 takes a free one"),
      publicUrl: z
        .url({ protocol: /^mqtts$/ })
        .optional()
        .describe("where gateways find it; told them when they join"),
    })
    .optional()
    .describe("a second listener for gateways with a certificate of the server's own authority"),
  maxConnections: z.int().min(1).max(100_000).default(2_000),
  connectTimeoutMs: z.int().min(100).max(120_000).default(10_000).describe("from TCP connect to a complete CONNECT"),
  drainTimeoutMs: z.int().min(100).max(600_000).default(60_000).describe("a gateway that reads nothing is cut off"),
});

const external = z.strictObject({
  kind: z.literal("external"),
  url: z.url({ protocol: /^(mqtt|mqtts|ws|wss)$/ }),
  publicUrl,
  clientId: z.string().min(1).max(128).default("frostlight-server"),
  username: z.string().optional(),
  password: secretReference.optional(),
  caFile: z.string().min(1).optional().describe("PEM file of the authority that signed the broker's certificate"),
  sharedGroup: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional()
    .describe("several ingest processes share the gateways through $share/<group>/…"),
  window: z.int().min(1).max(65_535).default(512).describe("batches taken from the broker and not yet settled"),
});

/** Where gateways connect: our own broker, or a client of one that is there already. */
export const brokerOptions = z.discriminatedUnion("kind", [embedded, external]);
export type BrokerOptions = z.output<typeof brokerOptions>;
export type EmbeddedBrokerOptions = z.output<typeof embedded>;
export type ExternalBrokerOptions = z.output<typeof external>;
/** The parts alone, for those who build one or the other. */
export const embeddedBrokerOptions = embedded;
export const externalBrokerOptions = external;

/**
 * The broker's address for gateways: what the configuration says, or else the host name under which the gateway found the
 * server.
 * @param port the port our own broker listens on
 */
export function gatewayMqttUrl(options: BrokerOptions, hostname: string, port: number): string {
  if (options.publicUrl !== undefined) return options.publicUrl;
  if (options.kind === "external") return options.url;
  return `${options.tls === undefined ? "mqtt" : "mqtts"}://${inUrl(hostname)}:${port}`;
}

/** The address of the listener with mutual TLS, seen like {@link gatewayMqttUrl}; empty when there is none. */
export function gatewayMqttsUrl(options: BrokerOptions, hostname: string, port: number | undefined): string {
  if (options.kind === "external" || options.mutualTls === undefined || port === undefined) return "";
  return options.mutualTls.publicUrl ?? `mqtts://${inUrl(hostname)}:${port}`;
}

function inUrl(hostname: string): string {
  return hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
}
