import { createHash, timingSafeEqual } from "node:crypto";

import { readSecret, secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { topicFilter, TopicRoutes } from "./topic-routes.ts";

const filters = z.array(topicFilter).max(64);

/** Who may use the embedded broker. Without users and without `anonymous` nobody may. */
export const accessOptions = {
  users: z
    .array(
      z.strictObject({
        username: z.string().min(1).max(128),
        password: secretReference,
        /** Topics the user may publish to; without it, any. */
        publish: filters.optional(),
      }),
    )
    .max(1_000)
    .default([]),
  /** Let clients in that give no user name. */
  anonymous: z.boolean().default(false),
  /** Topic filters that clients may subscribe to (QoS 0), e.g. a Zigbee bridge's own orders. By default none. */
  subscribe: filters.default([]),
} as const;

type Options = z.infer<z.ZodObject<typeof accessOptions>>;

/** What a client that was let in may do. */
export interface Permission {
  readonly username: string;
  mayPublish(topic: string): boolean;
  /** True when a subscriber could be waiting for this topic. */
  mayBeHeard(topic: string): boolean;
}

interface User extends Permission {
  readonly digest: Buffer;
}

/** The broker's door. Secrets are read once, at the start, and kept as digests. */
export class BrokerAccess {
  readonly #users = new Map<string, User>();
  readonly #anonymous: boolean;
  readonly #stranger: Permission = {
    username: "",
    mayPublish: () => true,
    mayBeHeard: (topic) => this.maySubscribe(topic),
  };
  readonly #subscribe: readonly (readonly string[])[];

  private constructor(options: Options) {
    this.#anonymous = options.anonymous;
    this.#subscribe = options.subscribe.map((filter) => filter.split("/"));
  }

  /** Throws `config/secret-missing`. */
  static async load(
    options: Options,
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<BrokerAccess> {
    const access = new BrokerAccess(options);
    for (const user of options.users) {
      const routes =
        user.publish === undefined
          ? undefined
          : new TopicRoutes(user.publish.map((filter) => ({ filter, target: true })));
      access.#users.set(user.username, {
        username: user.username,
        digest: digest(await readSecret(user.password, environment)),
        mayPublish: (topic) => routes === undefined || routes.match(topic).length > 0,
        mayBeHeard: (topic) => access.maySubscribe(topic),
      });
    }
    return access;
  }

  get letsSomebodyIn(): boolean {
    return this.#anonymous || this.#users.size > 0;
  }

  /** undefined: not let in. Takes the same time for a wrong name and a wrong password. */
  authenticate(username: string | undefined, password: Uint8Array | undefined): Permission | undefined {
    if (username === undefined || username === "") {
      return this.#anonymous ? this.#stranger : undefined;
    }
    const user = this.#users.get(username);
    const isRight = timingSafeEqual(digest(password ?? ""), user?.digest ?? digest("no such user"));
    return isRight ? user : undefined;
  }

  maySubscribe(filter: string): boolean {
    if (this.#subscribe.length === 0) return false;
    const requested = filter.split("/");
    return this.#subscribe.some((allowed) => covers(allowed, requested));
  }
}

function digest(secret: string | Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** True when everything the requested filter matches is matched by the allowed one. */
function covers(allowed: readonly string[], requested: readonly string[]): boolean {
  for (const [index, level] of allowed.entries()) {
    if (level === "#") return true;
    const wanted = requested[index];
    if (wanted === undefined || wanted === "#") return false;
    if (level !== "+" && level !== wanted) return false;
  }
  return allowed.length === requested.length;
}
