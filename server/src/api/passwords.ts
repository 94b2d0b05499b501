import { hash, verify } from "@node-rs/argon2";

import { ApiError } from "./api-error.ts";

/** argon2id with OWASP's first choice: 19 MiB, 2 passes, 1 lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Passwords shorter than this are refused. */
export const passwordLength = { min: 10, max: 200 } as const;

/**
 * Hashes and checks passwords, a few at a time: each needs 19 MiB and a core, so a flood of sign-ins waits in a bounded
 * queue and what exceeds it is refused (503), instead of starving the rest of the server.
 */
export class PasswordHasher {
  readonly #concurrency: number;
  readonly #queueLength: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #decoy: Promise<string> | undefined;

  constructor(
    limits: { readonly concurrency: number; readonly queueLength: number } = { concurrency: 2, queueLength: 64 },
  ) {
    this.#concurrency = limits.concurrency;
    this.#queueLength = limits.queueLength;
  }

  hash(password: string): Promise<string> {
    return this.#bounded(() => hash(password, cost));
  }

  /** @param stored null for a user who does not exist: takes as long as a real check, and is false */
  async verify(stored: string | null, password: string): Promise<boolean> {
    this.#decoy ??= hash("not a password of anybody", cost);
    const decoy = await this.#decoy;
    const matches = await this.#bounded(() => verify(stored ?? decoy, password).catch(() => false));
    return stored !== null && matches;
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#concurrency) {
      if (this.#waiting.length >= this.#queueLength) {
        throw new ApiError(503, "busy", "too many sign-ins at once; try again in a few seconds");
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}
