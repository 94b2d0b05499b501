import { z } from "zod";

import { ApiError } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import type { LiveFeed } from "../live-feed.ts";
import { problem } from "../schemas.ts";

/** One open event stream. */
export interface OpenStream {
  readonly tokenHash: string;
  readonly userId: string;
  end(): void;
}

/** All open event streams, so that signing out ends them. */
export class OpenStreams {
  readonly #streams = new Set<OpenStream>();

  get size(): number {
    return this.#streams.size;
  }

  add(stream: OpenStream): void {
    this.#streams.add(stream);
  }

  delete(stream: OpenStream): void {
    this.#streams.delete(stream);
  }

  endWhere(matches: (stream: OpenStream) => boolean): void {
    for (const stream of [...this.#streams].filter(matches)) stream.end();
  }
}

/**
 * Server-sent events: `samples`, `alarm`, `finding`, `health`, `evidence`, `site`, `gateway` of the caller's organisation,
 * `hello` at the start, `reset` when what was missed is no longer known, `heartbeat` with the server's time.
 */
export function eventRoutes(
  app: ApiInstance,
  ports: ApiPorts,
  feed: LiveFeed,
  streams: OpenStreams,
  onDropped: () => void,
): void {
  const { accounts, clock, options } = ports;
  const endWhenSignedOut = async (stream: OpenStream): Promise<void> => {
    const user = await accounts.userBySession(stream.tokenHash, clock.nowMs()).catch(() => undefined);
    if (user === undefined) stream.end();
  };
  app.get(
    "/events",
    {
      config: { permission: "read" },
      schema: {
        summary: "Live events (text/event-stream); resumes with Last-Event-ID",
        headers: z.object({ "last-event-id": z.string().max(200).optional() }),
        response: {
          200: { description: "events", content: { "text/event-stream": { schema: z.string() } } },
          401: problem,
          503: problem,
        },
      },
    },
    (request, reply) => {
      const { scope, tokenHash, user } = callerOf(request);
      if (streams.size >= options.liveEvents.clients) {
        throw new ApiError(503, "busy", "too many open event streams");
      }
      const lastEventId = request.headers["last-event-id"];
      const headers = reply.getHeaders();
      reply.hijack();
      const response = reply.raw;
      for (const [name, value] of Object.entries(headers)) {
        if (value !== undefined) response.setHeader(name, value);
      }
      response.writeHead(200, {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      const send = (text: string): boolean => {
        if (response.destroyed) return false;
        if (response.writableLength > options.liveEvents.bufferBytes) {
          onDropped();
          response.destroy();
          return false;
        }
        response.write(text);
        return true;
      };
      const stream: OpenStream = {
        tokenHash,
        userId: user.userId,
        end: () => {
          response.end();
        },
      };
      response.write("retry: 2000\n\n");
      streams.add(stream);
      const detach = feed.attach({ scope, send }, lastEventId);
      const cancel = clock.every(options.liveEvents.heartbeatSeconds * 1000, () => {
        if (!send(`event: heartbeat\ndata: ${JSON.stringify({ nowMs: clock.nowMs() })}\n\n`)) return;
        void endWhenSignedOut(stream);
      });
      response.on("close", () => {
        cancel();
        detach();
        streams.delete(stream);
      });
    },
  );
}
