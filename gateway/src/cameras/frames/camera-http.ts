import { randomBytes } from "node:crypto";

import { readSecret, secretReference } from "@frostlight/kernel";
import { z } from "zod";

import type { FrameEvent, FrameSourceContext } from "../../core/camera.ts";
import { HttpAuthentication } from "./http-authentication.ts";

/** A camera's account: Digest where it offers that, otherwise Basic. */
export const accountOptions = z.strictObject({ username: z.string().min(1), password: secretReference });
export type AccountOptions = z.output<typeof accountOptions>;

type Problem = Extract<FrameEvent, { readonly kind: "problem" }>;
export type Answer = { readonly kind: "answer"; readonly response: Response } | Problem;

/** Asks a camera; redirects are refused (they could send credentials elsewhere), a 401 is answered once. */
export class CameraHttp {
  readonly #url: string;
  readonly #account: AccountOptions | undefined;
  readonly #environment: FrameSourceContext["environment"];
  #authentication: HttpAuthentication | undefined;

  constructor(url: string, account: AccountOptions | undefined, environment: FrameSourceContext["environment"]) {
    this.#url = url;
    this.#account = account;
    this.#environment = environment;
  }

  /** Rejects when the camera cannot be reached. */
  async get(signal: AbortSignal): Promise<Answer> {
    let response = await this.#ask(signal);
    if (response.status === 401 && this.#account !== undefined) {
      const challenge = response.headers.get("www-authenticate");
      await response.body?.cancel();
      const password = await readSecret(this.#account.password, this.#environment);
      const { username } = this.#account;
      this.#authentication ??= new HttpAuthentication({ username, password }, () => randomBytes(16).toString("hex"));
      if (!this.#authentication.challenge(challenge)) {
        this.#authentication = undefined;
        return refused(this.#url, "it offers neither Digest nor Basic authentication");
      }
      response = await this.#ask(signal);
      if (response.status === 401) {
        await response.body?.cancel();
        this.#authentication = undefined; // the secret may be another one when it is read again
        return refused(this.#url, `user ${username} or the password is refused`);
      }
    }
    if (response.ok) return { kind: "answer", response };
    await response.body?.cancel();
    if (response.status === 401) return refused(this.#url, "it wants credentials");
    return { kind: "problem", code: "http-status", message: `${this.#url} answered ${response.status}, expected 200` };
  }

  #ask(signal: AbortSignal): Promise<Response> {
    const authorization = this.#authentication?.header("GET", this.#url);
    const headers = { accept: "*/*", ...(authorization === undefined ? {} : { authorization }) };
    return fetch(this.#url, { headers, redirect: "error", signal });
  }
}

function refused(url: string, why: string): Problem {
  return { kind: "problem", code: "refused", message: `${url} answered 401: ${why}` };
}

/** Cameras lock an account after a few wrong passwords: one that refused is asked seldom. */
export const refusedRetry = { firstMs: 30_000, factor: 2, maxMs: 300_000, jitter: 0.2 };
/** A camera that does not answer is asked less often; one that answers nonsense is asked on at the usual pace. */
export const unreachableRetry = { firstMs: 1_000, factor: 2, maxMs: 15_000, jitter: 0.2 };
