import { z } from "zod";

import { notFound } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { problem, sha256 } from "../schemas.ts";

/** What a browser may show in place; anything else is offered as a download. */
const shown = new Set(["image/jpeg", "image/png", "image/webp", "video/mp4"]);

/** Pictures and clips by their hash, only within the caller's scope. */
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
          304: z.null(),
          401: problem,
          404: problem,
        },
      },
    },
    async (request, reply) => {
      const { scope } = callerOf(request);
      const name = request.params.sha256;
      const info = await state.evidence(scope, name);
      if (info === undefined) throw notFound(`evidence ${name}`);
      void reply
        .header("cache-control", "private, max-age=31536000, immutable")
        .header("etag", `"${name}"`)
        .header("content-security-policy", "default-src 'none'; sandbox");
      if (request.headers["if-none-match"] === `"${name}"`) return reply.code(304).send(null);
      const data = await evidence.read(name);
      if (data === undefined) {
        void reply.header("cache-control", "no-store").removeHeader("etag");
        throw notFound(`the file of evidence ${name}`);
      }
      const isShown = shown.has(info.mediaType);
      if (!isShown) void reply.header("content-disposition", `attachment; filename="${name}"`);
      return reply.type(isShown ? info.mediaType : "application/octet-stream").send(Uint8Array.from(data));
    },
  );
}
