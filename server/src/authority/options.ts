import { z } from "zod";

/** Configuration of the built-in certificate authority. */
export const authorityOptions = z.strictObject({
  names: z
    .array(z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, "expected a host name or an IP address"))
    .max(32)
    .default([])
    .describe("further names and addresses in the server's own certificate; those of this machine are there anyway"),
  gatewayCertificateDays: z.int().min(1).max(825).default(90).describe("life of a gateway's certificate"),
});
export type AuthorityOptions = z.output<typeof authorityOptions>;
