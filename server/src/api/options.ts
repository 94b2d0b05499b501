import { z } from "zod";

const loopback = ["127.0.0.0/8", "::1/128"];

/** Options of the HTTP interface. Unknown keys are refused; defaults live here only. */
export const apiOptions = z.strictObject({
  /** Address to listen on; the default is reachable from this machine only. */
  host: z.string().min(1).default("127.0.0.1"),
  /** 0 picks a free port. */
  port: z.int().min(0).max(65_535).default(8080),
  /** How people reach the console, e.g. "https://frost.example.org". Requests from other origins are refused. */
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null),
  /** `auto`: secure cookies when `publicUrl` is https. */
  cookieSecure: z.union([z.boolean(), z.literal("auto")]).default("auto"),
  /** Behind a reverse proxy: true, or the proxy's addresses (CIDR, comma separated). */
  trustProxy: z.union([z.boolean(), z.string().min(1)]).default(false),
  sessionHours: z.number().positive().max(720).default(12),
  rateLimits: z
    .strictObject({
      /** Requests of one address. */
      perMinute: z.int().positive().default(1200),
      /** Sign-in attempts of one address. */
      signInPerMinute: z.int().positive().default(10),
      /** Failed sign-ins on one name within fifteen minutes before further ones are refused. */
      failuresPerName: z.int().positive().default(30),
    })
    .prefault({}),
  liveEvents: z
    .strictObject({
      /** Open event streams at once. */
      clients: z.int().positive().default(200),
      /** Unsent bytes of one stream before it is dropped; the client then resumes. */
      bufferBytes: z.int().min(4096).default(262_144),
      heartbeatSeconds: z.number().positive().default(15),
    })
    .prefault({}),
  /** Networks (CIDR) that may read the metrics without a session. */
  metricsFrom: z.array(z.union([z.cidrv4(), z.cidrv6()])).default(loopback),
});

export type ApiOptions = z.output<typeof apiOptions>;

/** Cookies are marked secure. */
export function usesSecureCookies(options: ApiOptions): boolean {
  if (options.cookieSecure !== "auto") return options.cookieSecure;
  return options.publicUrl?.startsWith("https:") ?? false;
}
