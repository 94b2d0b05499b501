import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";

import { describeError, FrostlightError, type Logger, type Part } from "@frostlight/kernel";

import explanations from "../alarms/explanations.json" with { type: "json" };
import { cameraEntry } from "../core/camera-configuration.ts";
import { proposedId, toConfiguration } from "../core/point-configuration.ts";
import type { GatewayStatus } from "../core/status.ts";
import { isAllowedHost, isLoopback, isSameOrigin, securityHeaders } from "./guards.ts";
import { renderMetrics } from "./metrics.ts";
import type { LocalOptions } from "./options.ts";
import { failure, hashedFile, json, type Reply, wrongMethod } from "./reply.ts";
import { type LocalActions, type Write, writes } from "./requests.ts";
import { isTeachRead, readTeaching } from "./teach-reads.ts";
import { teachWrites } from "./teach-requests.ts";

export interface LocalServerParts extends LocalActions {
  readonly options: LocalOptions;
  readonly status: () => GatewayStatus;
  /** Whether the main loop turns (the watchdog knows); without it, answering at all counts as alive. */
  readonly alive?: () => boolean;
  readonly logger: Logger;
}

export interface LocalServer extends Part {
  /** The port listened on; 0 while stopped. */
  port(): number;
}

/** The local page, `/status.json`, `/metrics`, `/healthz`, and what people do there. Constructing it does nothing yet. */
export function createLocalServer(parts: LocalServerParts): LocalServer {
  return new NodeLocalServer(parts);
}

const bodyLimitBytes = 4_096;

const pageFiles = [
  "index.html",
  "page.css",
  "page.js",
  "alarm-health.js",
  "alarms.js",
  "ask.js",
  "cameras.js",
  "certificates.js",
  "discovered.js",
  "found-cameras.js",
  "elements.js",
  "facts.js",
  "format.js",
  "gateway.js",
  "limits.js",
  "points.js",
  "rooms.js",
  "sound.js",
  "sources.js",
  "systems.js",
  "teach.css",
  "teach.html",
  "teach.js",
  "teach-findings.js",
  "teach-picture.js",
  "teach-texts.js",
  "teach-thing.js",
  "texts-en.js",
  "texts-zh.js",
] as const;
const contentTypes = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

const allWrites: Readonly<Record<string, Write>> = { ...writes, ...teachWrites };

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
    server.requestTimeout = 30_000;
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
    const isUnchanged = reply.status === 304;
    const head = {
      ...(isUnchanged ? {} : { "content-type": reply.contentType, "content-length": body.length }),
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
    const [path = "/", query = ""] = (request.url ?? "/").split("?");
    const write = Object.hasOwn(allWrites, path) ? allWrites[path] : undefined;
    if (write !== undefined) {
      return request.method === "POST" ? this.#write(path, write, request) : wrongMethod("POST");
    }
    const page = this.#files.get(path);
    const known = page !== undefined || isTeachRead(path) || Object.hasOwn(this.#documents, path);
    if (!known) return failure(404, "not-found", "there is nothing at this address");
    if (request.method !== "GET" && request.method !== "HEAD") return wrongMethod("GET, HEAD");
    if (isTeachRead(path)) return this.#readTeaching(path, new URLSearchParams(query), request);
    return page ?? this.#documents[path]?.() ?? failure(404, "not-found", "there is nothing at this address");
  }

  readonly #documents: Readonly<Record<string, () => Reply | Promise<Reply>>> = {
    "/status.json": () => json(200, this.#parts.status()),
    "/explanations.json": () => json(200, explanations),
    // What a person may choose is left open in the first lines; the page fills it in.
    "/discovered.json": () =>
      json(
        200,
        this.#parts.status().discovered.map((found) => {
          const id = proposedId(found.label);
          return { ...found, id, configuration: toConfiguration(found) };
        }),
      ),
    "/found-cameras.json": () =>
      json(
        200,
        (this.#parts.status().foundCameras ?? []).map((found) => ({ ...found, configuration: cameraEntry(found) })),
      ),
    "/healthz": () => {
      const alive = this.#parts.alive?.() ?? true;
      return json(alive ? 200 : 503, { status: alive ? "ok" : "main-loop-stands-still" });
    },
    "/metrics": async () => {
      const { contentType, text } = await renderMetrics(this.#parts.status(), this.#parts.alive?.() ?? true);
      return { status: 200, contentType, body: text };
    },
  };

  /** Pictures of people: for those who may change something here. */
  async #readTeaching(path: string, query: URLSearchParams, request: IncomingMessage): Promise<Reply> {
    const { options, teaching } = this.#parts;
    if (!isSameOrigin(request.headers)) return failure(403, "cross-origin", "this is shown on the local page only");
    if (options.changeFrom === "this-machine" && !isLoopback(request.socket.remoteAddress)) {
      return failure(403, "only-this-machine", "local.changeFrom allows this on the gateway itself only");
    }
    const found = teaching === undefined ? undefined : await readTeaching(teaching, path, query);
    if (found === undefined) return failure(404, "not-found", "there is nothing at this address (any more)");
    if ("json" in found) return json(200, found.json);
    const { data, contentType, sha256 } = found;
    return sha256 === null
      ? { status: 200, contentType, body: data }
      : hashedFile({ data, contentType, sha256 }, request);
  }

  async #write(path: string, write: Write, request: IncomingMessage): Promise<Reply> {
    const { options, logger } = this.#parts;
    if (!isSameOrigin(request.headers)) {
      return failure(403, "cross-origin", "this is done from the local page itself only");
    }
    const key = write.allows === "acknowledge" ? "acknowledgeFrom" : "changeFrom";
    if (options[key] === "this-machine" && !isLoopback(request.socket.remoteAddress)) {
      return failure(403, "only-this-machine", `local.${key} allows this on the gateway itself only`);
    }
    if (request.headers["content-type"]?.split(";")[0]?.trim() !== "application/json") {
      return failure(415, "not-json", "expected content type application/json");
    }
    const limitBytes = write.limitBytes ?? bodyLimitBytes;
    const body = await readBody(request, limitBytes);
    if (body === undefined) return failure(413, "too-large", `expected at most ${limitBytes} bytes`);
    const done = write.run(parseJson(body), this.#parts);
    if (done === undefined) return failure(400, "invalid", `expected ${write.expects}`);
    const { status, file, ...answer } = await done;
    logger.info("local-write", { path, ...answer });
    return json(status, file === undefined ? answer : { ...answer, file });
  }
}

/** The body as text; undefined when it is larger than allowed: then the rest is read and thrown away, so that the answer arrives. */
async function readBody(request: IncomingMessage, limitBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    sizeBytes += part.length;
    if (sizeBytes <= limitBytes) chunks.push(part);
    if (sizeBytes > limitBytes + 256 * bodyLimitBytes) break;
  }
  return sizeBytes > limitBytes ? undefined : Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
