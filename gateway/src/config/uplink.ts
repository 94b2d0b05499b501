import { secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { uplinkOptions } from "../uplink/index.ts";

const server = z.strictObject({
  /** The server's HTTP address. */
  server: z.url({ protocol: /^https?$/ }),
  /** One-time token; needed until the gateway has joined. */
  enrolmentToken: secretReference.optional(),
});

/** Where the gateway sends what it has: one server, or `servers` in order of preference. */
export const uplinkConfig = z
  .strictObject({
    ...server.partial().shape,
    /** The first that works is used; the gateway returns to the first when that is back. Instead of `server`. */
    servers: z.array(server).min(1).max(4).optional(),
    options: uplinkOptions.prefault({}),
  })
  .transform((given, context) => {
    const { server: only, enrolmentToken, servers, options } = given;
    const [first, ...standby] =
      servers ??
      (only === undefined ? [] : [{ server: only, ...(enrolmentToken === undefined ? {} : { enrolmentToken }) }]);
    if (first === undefined || (servers !== undefined && (only !== undefined || enrolmentToken !== undefined))) {
      const message = "expected either `server` (with `enrolmentToken`) or `servers`";
      context.issues.push({ code: "custom", path: ["server"], message, input: only });
      return z.NEVER;
    }
    const addresses = [first, ...standby].map((entry) => entry.server.replace(/\/+$/, ""));
    const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
    if (twice !== undefined) {
      const message = `server "${twice}" is in the list twice`;
      context.issues.push({ code: "custom", path: ["servers"], message, input: servers });
      return z.NEVER;
    }
    return { ...first, standby, options };
  });
