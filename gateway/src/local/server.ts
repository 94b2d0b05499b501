import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";

import { describeError, FrostlightError, type Logger, type Part } from "@frostlight/kernel";
import { z } from "zod";

import explanations from "../alarms/explanations.json" with { type: "json" };
import type { ActOutcome, PersonRequest } from "../core/alarm-engine.ts";
import type { GatewayStatus } from "../core/status.ts";
import { isAllowedHost, isLoopback, isSameOrigin, securityHeaders } from "./guards.ts";
import { renderMetrics } from "./metrics.ts";
import type { LocalOptions } from "./options.ts";

export interface LocalServerParts {
  readonly options: LocalOptions;
  readonly status: () => GatewayStatus;
  /** Durable when resolved. */
  readonly act: (request: PersonRequest) => Promise<ActOutcome> | ActOutcome;
  /** Whether the main loop turns (the watchdog knows); without it, answering at all counts as alive. */
  readonly alive?: () => boolean;
  readonly logger: Logger;
}

export interface LocalServer extends Part {
  /** The port listened on; 0 while stopped. */
  port(): number;
}

/** The local page, `/status.json`, `/metrics`, `/healthz` and acknowledging. Constructing it does nothing yet. */
export function createLocalServer(parts: LocalServerParts): LocalServer {
  return new NodeLocalServer(parts);
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const bodyLimitBytes = 4_096;

const acknowledgeBody = z.strictObject({
  alarmId: z.string().min(1).max(128),
  name: z.string().trim().max(60).default(""),
  comment: z.string().trim().max(500).default(""),
});

const pageFiles = ["index.html", "page.css", "page.js", "elements.js", "format.js", "texts.js"] as const;
const contentTypes = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

class NodeLocalServer implements LocalServer {
  readonly name = "local page";
  readonly #parts: LocalServerParts;
  readonly #files = new Map<string, Reply>();
  #server: Server | undefined;

  constructor(parts: LocalServerParts) {
    this.#parts = parts;
  }

  port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Throws `local/cannot-listen` (resource) when the port is taken. */
  async start(): Promise<void> {
    for (const file of pageFiles) {
      const body = await readFile(join(import.meta.dirname, "page", file));
      const contentType = contentTypes[file.endsWith(".css") ? "css" : file.endsWith(".js") ? "js" : "html"];
      this.#files.set(file === "index.html" ? "/" : `/${file}`, { status: 200, contentType, body });
    }
    const server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    // A page for a handful of people: slow and idle connections must not pile up.
    server.headersTimeout = 5_000;
    server.requestTimeout = 10_000;
    server.keepAliveTimeout = 10_000;
    server.maxConnections = 128;
    const { host, port } = this.#parts.options;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        const message = `the local page cannot listen on ${host}:${port}`;
        reject(new FrostlightError("local/cannot-listen", "resource", message, { cause: error }));
      });
      server.listen(port, host, resolve);
    });
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: Reply;
    try {
      reply = await this.#route(request);
    } catch (error) {
      this.#parts.logger.error("local-request-failed", { path: request.url, error: describeError(error) });
      reply = failure(500, "internal-error", "the gateway could not answer this request; its log says why");
    }
    const body = Buffer.from(reply.body);
    const head = {
      "content-type": reply.contentType,
      "content-length": body.length,
      ...securityHeaders,
      ...reply.headers,
    };
    response.writeHead(reply.status, head);
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #route(request: IncomingMessage): Promise<Reply> {
    if (!isAllowedHost(request.headers.host, this.#parts.options.hostNames)) {
      return failure(421, "host-not-allowed", "this host name is not in local.hostNames");
    }
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    if (path === "/alarms/acknowledge") {
      return request.method === "POST" ? this.#acknowledge(request) : wrongMethod("POST");
    }
    const page = this.#files.get(path);
    const known = page !== undefined || Object.hasOwn(this.#documents, path);
    if (!known) return failure(404, "not-found", "there is nothing at this address");
    if (request.method !== "GET" && request.method !== "HEAD") return wrongMethod("GET, HEAD");
    return page ?? this.#documents[path]?.() ?? failure(404, "not-found", "there is nothing at this address");
  }

  readonly #documents: Readonly<Record<string, () => Reply | Promise<Reply>>> = {
    "/status.json": () => json(200, this.#parts.status()),
    "/explanations.json": () => json(200, explanations),
    "/healthz": () => {
      const alive = this.#parts.alive?.() ?? true;
      return json(alive ? 200 : 503, { status: alive ? "ok" : "main-loop-stands-still" });
    },
    "/metrics": async () => {
      const { contentType, text } = await renderMetrics(this.#parts.status(), this.#parts.alive?.() ?? true);
      return { status: 200, contentType, body: text };
    },
  };

  async #acknowledge(request: IncomingMessage): Promise<Reply> {
    const { options, act, logger } = this.#parts;
    if (!isSameOrigin(request.headers)) {
      return failure(403, "cross-origin", "alarms are acknowledged from the local page itself only");
    }
    if (options.acknowledgeFrom === "this-machine" && !isLoopback(request.socket.remoteAddress)) {
      return failure(403, "only-this-machine", "local.acknowledgeFrom allows acknowledging on the gateway itself only");
    }
    if (request.headers["content-type"]?.split(";")[0]?.trim() !== "application/json") {
      return failure(415, "not-json", "expected content type application/json");
    }
    const body = await readBody(request);
    if (body === undefined) return failure(413, "too-large", `expected at most ${bodyLimitBytes} bytes`);
    const parsed = acknowledgeBody.safeParse(parseJson(body));
    if (!parsed.success) return failure(400, "invalid", "expected { alarmId, name?, comment? }");
    const { alarmId, name, comment } = parsed.data;
    // The page has no sign-in: the name is what somebody typed, and the record says where.
    const actor = name === "" ? "local page" : `${name} (local page)`;
    const outcome = await act({ action: { kind: "acknowledge", alarmId, comment }, actor, commandId: null });
    const result = outcome.kind === "done" ? "done" : outcome.reason;
    logger.info("local-acknowledge", { alarmId, actor, outcome: result });
    if (outcome.kind === "done") return json(200, { outcome: "done" });
    return json(result === "unknown-alarm" ? 404 : 409, { outcome: result });
  }
}

function json(status: number, value: unknown): Reply {
  return { status, contentType: "application/json; charset=utf-8", body: JSON.stringify(value) };
}

function failure(status: number, code: string, message: string): Reply {
  return json(status, { code, message });
}

function wrongMethod(allow: string): Reply {
  return { ...failure(405, "method-not-allowed", `allowed: ${allow}`), headers: { allow } };
}

/** The body as text; undefined when it is larger than allowed: then the rest is read and thrown away, so that the answer arrives. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    sizeBytes += part.length;
    if (sizeBytes <= bodyLimitBytes) chunks.push(part);
    if (sizeBytes > 256 * bodyLimitBytes) break;
  }
  return sizeBytes > bodyLimitBytes ? undefined : Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
