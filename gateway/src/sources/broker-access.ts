import { timingSafeEqual } from "node:crypto";

import { readSecret, secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { fingerprint, matchesPassword, nobodysHash, parsePasswordHash, type PasswordHash } from "./password-hash.ts";
import { coversFilter, topicFilter, TopicRoutes } from "./topic-routes.ts";

const filters = z.array(topicFilter).max(64);

/** What somebody may do; `%u` in a filter stands for the user's name. Nothing that is not named. */
const rights = {
  /** Topics it may publish to. */
  publish: filters.default([]),
  /** Topic filters it may subscribe to, besides the broker's own `subscribe`. */
  subscribe: filters.default([]),
} as const;

const user = z
  .strictObject({
    /** Of a certificate: its common name (CN). */
    username: z.string().min(1).max(128),
    password: secretReference.optional(),
    /** Where a line lies that `npm run hash-password` made. */
    passwordHash: secretReference.optional(),
    /** Known by a client certificate instead of a password. */
    certificate: z.literal(true).optional(),
    ...rights,
  })
  .superRefine((one, context) => {
    const ways = [one.password, one.passwordHash, one.certificate].filter((way) => way !== undefined).length;
    if (ways === 1) return;
    const message = `user "${one.username}": expected exactly one of password, passwordHash and certificate`;
    context.addIssue({ code: "custom", message });
  });

/** Who may use the embedded broker. Without users and without `anonymous` nobody may. */
export const accessOptions = {
  users: z.array(user).max(5_000).default([]),
  /** What every certificate of the clients' authority may do whose CN is not among `users`; without it, nothing. */
  certificates: z.strictObject(rights).optional(),
  /**
   * Clients that give no user name. `true`: they may publish anywhere; allowed only while no users are configured, beside
   * users their topics must be named.
   */
  anonymous: z.union([z.boolean(), z.strictObject(rights)]).default(false),
  /** Topic filters that everybody who was let in may subscribe to, e.g. a Zigbee bridge's own orders. */
  subscribe: filters.default([]),
} as const;

type Options = z.infer<z.ZodObject<typeof accessOptions>>;

/** What is wrong between the keys of the options; undefined when nothing is. */
export function accessProblem({ users, anonymous, certificates }: Options): string | undefined {
  if (anonymous === true && (users.length > 0 || certificates !== undefined)) {
    return "beside users, say what clients without a name may do: anonymous: { publish: [...], subscribe: [...] }";
  }
  const names = users.map(({ username }) => username);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `user "${twice}" is there twice`;
}

/** What a client that was let in may do. */
export interface Permission {
  readonly username: string;
  mayPublish(topic: string): boolean;
  /** A topic filter, or a topic. */
  maySubscribe(filter: string): boolean;
}

/** Password checks that wait for each other; more are refused, the device tries again. */
const maxDeriving = 200;

interface Credentials {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** CN of a client certificate that was verified. */
  readonly certificate: string | undefined;
}

interface User {
  readonly permission: Permission;
  readonly hash: PasswordHash | undefined;
  /** Of a password that is right: given, or once found to match the hash. */
  known: Buffer | undefined;
}

/** The broker's door. Secrets are read once, at the start; passwords are kept as fingerprints of this process. */
export class BrokerAccess {
  readonly #options: Options;
  readonly #users = new Map<string, User>();
  readonly #certificates = new Map<string, Permission>();
  readonly #stranger: Permission | undefined;
  readonly #hasHashes: boolean;
  #lastDerived: Promise<void> = Promise.resolve();
  #deriving = 0;

  private constructor(options: Options) {
    this.#options = options;
    const { anonymous } = options;
    if (anonymous === true) this.#stranger = this.#permission("", { publish: ["#"], subscribe: [] });
    else if (anonymous !== false) this.#stranger = this.#permission("", anonymous);
    this.#hasHashes = options.users.some(({ passwordHash }) => passwordHash !== undefined);
  }

  /** Throws `config/secret-missing`, `config/password-hash`. */
  static async load(
    options: Options,
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<BrokerAccess> {
    const access = new BrokerAccess(options);
    for (const { username, password, passwordHash, publish, subscribe } of options.users) {
      const permission = access.#permission(username, { publish, subscribe });
      const plain = password === undefined ? undefined : await readSecret(password, environment);
      const hash = passwordHash === undefined ? undefined : await readSecret(passwordHash, environment);
      if (plain === undefined && hash === undefined) access.#certificates.set(username, permission);
      else {
        access.#users.set(username, {
          permission,
          hash: hash === undefined ? undefined : parsePasswordHash(hash, username),
          known: plain === undefined ? undefined : fingerprint(plain),
        });
      }
    }
    return access;
  }

  get letsSomebodyIn(): boolean {
    const hasUsers = this.#users.size + this.#certificates.size > 0;
    return this.#stranger !== undefined || hasUsers || this.#options.certificates !== undefined;
  }

  /** True when a subscriber could ever be waiting for this topic. */
  mayBeHeard(topic: string): boolean {
    const { subscribe, users, certificates, anonymous } = this.#options;
    const lists = [subscribe, ...users.map((one) => one.subscribe), certificates?.subscribe ?? []];
    if (typeof anonymous === "object") lists.push(anonymous.subscribe);
    // A name may stand for anything here: this only spares keeping what nobody can ask for.
    return lists.some((list) => list.some((filter) => coversFilter(filter.replaceAll("%u", "+"), topic)));
  }

  /** undefined: not let in. A wrong name costs as much as a wrong password. */
  async authenticate({ username, password, certificate }: Credentials): Promise<Permission | undefined> {
    if (certificate !== undefined) return this.#byCertificate(certificate);
    if (username === undefined || username === "") return this.#stranger;
    const found = this.#users.get(username);
    const given = password ?? new Uint8Array();
    const print = fingerprint(given);
    if (timingSafeEqual(print, found?.known ?? nobody) && found !== undefined) return found.permission;
    if (!this.#hasHashes) return undefined;
    if (this.#deriving >= maxDeriving) return undefined;
    const isRight = await this.#derive(given, found?.hash ?? nobodysHash);
    if (!isRight || found?.hash === undefined) return undefined;
    found.known = print;
    return found.permission;
  }

  /** One after the other: the thread pool also writes the journal. */
  async #derive(password: Uint8Array, hash: PasswordHash): Promise<boolean> {
    const before = this.#lastDerived;
    const finished = Promise.withResolvers<void>();
    this.#lastDerived = finished.promise;
    this.#deriving += 1;
    try {
      await before;
      return await matchesPassword(password, hash);
    } finally {
      this.#deriving -= 1;
      finished.resolve();
    }
  }

  #byCertificate(name: string): Permission | undefined {
    const known = this.#certificates.get(name);
    if (known !== undefined || this.#options.certificates === undefined) return known;
    if (!isPlainName(name)) return undefined;
    return this.#permission(name, this.#options.certificates);
  }

  #permission(username: string, granted: { readonly publish: string[]; readonly subscribe: string[] }): Permission {
    const fill = (filter: string): string[] =>
      filter.includes("%u") && !isPlainName(username) ? [] : [filter.replaceAll("%u", username)];
    const routes = new TopicRoutes(granted.publish.flatMap(fill).map((filter) => ({ filter, target: true })));
    const heard = [...this.#options.subscribe, ...granted.subscribe].flatMap(fill);
    return {
      username,
      mayPublish: (topic) => !topic.startsWith("$") && routes.match(topic).length > 0,
      maySubscribe: (filter) => !filter.startsWith("$") && heard.some((allowed) => coversFilter(allowed, filter)),
    };
  }
}

const nobody = Buffer.alloc(32);

/** A name that may stand in a topic filter. */
function isPlainName(name: string): boolean {
  return name !== "" && !/[+#/\0]/.test(name);
}
