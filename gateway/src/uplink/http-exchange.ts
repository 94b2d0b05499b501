import { type Agent, type ClientRequest, request as httpRequest } from "node:http";
import { type Agent as SecureAgent, request as httpsRequest } from "node:https";

import { FrostlightError } from "@frostlight/kernel";

/** One request to the server. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Keeps connections for more requests; absent: one connection for this one. */
  readonly agent?: Agent | SecureAgent | undefined;
  /** Longest answer taken, bytes; default 64 KiB. */
  readonly answerBytes?: number | undefined;
  /** PEM of the authority that signed the server's certificate; undefined: the system's. */
  readonly ca: string | undefined;
  /** Longest time without a byte either way. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** What the server wants to be waited, from `Retry-After` in seconds (RFC 9110 §10.2.3); undefined when it does not say. */
  readonly retryAfterMs?: number | undefined;
  readonly body: Uint8Array;
}

export type HttpExchange = (request: HttpRequest) => Promise<HttpAnswer>;

const maxAnswerBytes = 65_536;

/**
 * Sends one request over http or https. Rejects with `uplink/unreachable` when there is no whole answer. Node's own client
 * rather than `fetch`, because that cannot be given a certificate authority.
 */
export function exchangeHttp(options: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const message = `${options.method} ${options.url} got no answer`;
      reject(new FrostlightError("uplink/unreachable", "peer", message, { cause }));
    };
    let request: ClientRequest;
    try {
      request = openRequest(options);
    } catch (error) {
      fail(error);
      return;
    }
    request.setTimeout(options.idleTimeoutMs, () => {
      request.destroy(new Error(`nothing heard for ${options.idleTimeoutMs} ms`));
    });
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      const limit = options.answerBytes ?? maxAnswerBytes;
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= limit) chunks.push(chunk);
        else response.destroy(new Error(`answer longer than ${limit} bytes`));
      });
      response.on("error", fail);
      response.on("end", () => {
        const seconds = /^\d{1,6}$/.exec(response.headers["retry-after"] ?? "")?.[0];
        const retryAfterMs = seconds === undefined ? undefined : Number(seconds) * 1_000;
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), retryAfterMs });
      });
    });
    request.end(options.body);
  });
}

function openRequest({ url, method, headers, body, ca, signal, agent }: HttpRequest): ClientRequest {
  const common = {
    method,
    signal,
    headers: method === "GET" ? headers : { ...headers, "content-length": String(body.length) },
    agent: agent ?? (false as const),
  };
  if (new URL(url).protocol !== "https:") return httpRequest(url, common);
  return httpsRequest(url, { ...common, ...(ca === undefined ? {} : { ca }) });
}
