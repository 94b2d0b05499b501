import { z } from "zod";

const from = z.enum(["this-machine", "anywhere"]).default("this-machine");

/** Where the local page, metrics and health listen, and who may do what there. */
export const localOptions = z.strictObject({
  /** Loopback by default: the page has no sign-in. */
  host: z.union([z.ipv4(), z.ipv6(), z.literal("localhost")]).default("127.0.0.1"),
  /** 0: any free port. */
  port: z.int().min(0).max(65_535).default(8088),
  /** Host names the page may be called by, besides addresses and localhost (guards against DNS rebinding). */
  hostNames: z.array(z.string().regex(/^[a-z0-9.-]{1,253}$/, "expected a host name in lower case")).default([]),
  /** Who may acknowledge, and say that something was done, without signing in: only this machine, or whoever reaches the page. */
  acknowledgeFrom: from,
  /** Who may shelve and reset alarms, take things out of service, approve certificates and add points. */
  changeFrom: from,
  /** Whether people may add discovered points there; they are kept in the state folder, beside this file. */
  addPoints: z.boolean().default(true),
  /** Ask the local network for ONVIF cameras (one packet by multicast every 15 minutes) and show those that are not configured. */
  findCameras: z.boolean().default(true),
});
export type LocalOptions = z.output<typeof localOptions>;
