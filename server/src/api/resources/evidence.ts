import { byteRange, isKnownVersion } from "@frostlight/kernel";
import { z } from "zod";

import { ApiError, notFound } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { problem, sha256 } from "../schemas.ts";

/** What a browser may show in place; anything else is offered as a download. */
const shown = new Set(["image/jpeg", "image/png", "image/webp", "video/mp4"]);

const refusals = {
  "not-in-file": "the file has no such bytes",
  "several-parts": "one part of a file is sent at a time: ask for each in a request of its own",
};

/** Pictures and clips by their hash, only within the caller's scope; a part of one where asked for (players on iOS need that). */
export function evidenceRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, evidence } = ports;
  const file = z.instanceof(Uint8Array).meta({ type: "string", contentMediaType: "application/octet-stream" });

  app.get(
    "/evidence/:sha256",
    {
      config: { permission: "read" },
      schema: {
        summary: "An evidence file by its SHA-256",
        params: z.object({ sha256 }),
        response: {
          200: { description: "the file", content: { "*/*": { schema: file } } },
          206: { description: "the part that `Range` asks for", content: { "*/*": { schema: file } } },
          304: z.null(),
          401: problem,
          404: problem,
          416: problem,
        },
      },
    },
    async (request, reply) => {
      const { scope } = callerOf(request);
      const name = request.params.sha256;
      const info = await state.evidence(scope, name);
      if (info === undefined) throw notFound(`evidence ${name}`);
      const etag = `"${name}"`;
      void reply
        .header("cache-control", "private, max-age=31536000, immutable")
        .header("etag", etag)
        .header("accept-ranges", "bytes")
        .header("content-security-policy", "default-src 'none'; sandbox");
      if (isKnownVersion(request.headers["if-none-match"], etag)) return reply.code(304).send(null);
      const data = await evidence.read(name);
      if (data === undefined) {
        void reply.header("cache-control", "no-store").removeHeader("etag");
        throw notFound(`the file of evidence ${name}`);
      }
      const { length: sizeBytes } = data;
      const asked =
        request.method === "GET" ? byteRange(request.headers, { etag, sizeBytes }) : { kind: "whole" as const };
      if (asked.kind === "refused") {
        void reply.header("cache-control", "no-store").header("content-range", `bytes */${sizeBytes}`);
        throw new ApiError(416, `range-${asked.reason}`, refusals[asked.reason]);
      }
      const isShown = shown.has(info.mediaType);
      if (!isShown) void reply.header("content-disposition", `attachment; filename="${name}"`);
      void reply.type(isShown ? info.mediaType : "application/octet-stream");
      if (asked.kind === "whole") return reply.send(Uint8Array.from(data));
      const { first, last } = asked;
      void reply.code(206).header("content-range", `bytes ${first}-${last}/${sizeBytes}`);
      return reply.send(Uint8Array.from(data.subarray(first, last + 1)));
    },
  );
}
