import rateLimit from "@fastify/rate-limit";
import { contractLimits, gatewayPaths } from "@frostlight/contract";
import { describeError, isFrostlightError } from "@frostlight/kernel";
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from "fastify";

import type { EvidenceStore } from "../core/evidence.ts";
import type { GatewayAccess, KnownGateway } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import { enrolBodyBytes, type EnrolmentRouteDeps, enrolmentRoutes, refuse } from "./enrolment-routes.ts";
import { authenticateGateway, basicCredentials } from "./gateway-auth.ts";
import { evidenceMediaTypes, signatureOf } from "./media-types.ts";
import { RefusalLog } from "./refusal-log.ts";

export interface GatewayRoutesDeps extends EnrolmentRouteDeps {
  readonly stateStore: EnrolmentRouteDeps["stateStore"] & Pick<GatewayAccess, "addEvidence">;
  readonly evidence: EvidenceStore;
  /** Told when a file arrived. */
  readonly live?: LivePublisher;
}

/** The HTTP paths of gateways: joining, renewing certificates, and uploading evidence. */
export function gatewayRoutes(deps: GatewayRoutesDeps): FastifyPluginAsync {
  const refusals = new RefusalLog("gateway-request-refused", deps.logger);
  return async (app) => {
    if (!app.hasDecorator("rateLimit")) await app.register(rateLimit, { global: false });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      "application/x-protobuf",
      { parseAs: "buffer", bodyLimit: enrolBodyBytes },
      (_request, body, done) => {
        done(null, body);
      },
    );
    app.addContentTypeParser(
      [...evidenceMediaTypes],
      { bodyLimit: contractLimits.evidenceBytes },
      (_request, payload, done) => {
        done(null, payload);
      },
    );
    enrolmentRoutes(app, deps, refusals);
    evidenceRoute(app, deps, refusals);
  };
}

function evidenceRoute(app: FastifyInstance, deps: GatewayRoutesDeps, refusals: RefusalLog): void {
  const { stateStore, evidence, live, clock, logger } = deps;
  const gatewayOf = new WeakMap<FastifyRequest, KnownGateway>();

  app.put<{ Params: { readonly sha256: string } }>(
    gatewayPaths.evidence(":sha256"),
    {
      bodyLimit: contractLimits.evidenceBytes,
      config: { permission: "gateway" },
      // Before a byte of the file is read.
      onRequest: async (request, reply) => {
        const { username, secret } = basicCredentials(request.headers.authorization);
        const result = await authenticateGateway(stateStore, username, secret);
        if (result.kind === "ok") {
          gatewayOf.set(request, result.gateway);
          return;
        }
        refusals.add(result.reason, { gatewayId: username?.slice(0, contractLimits.identifierLength) });
        await refuse(reply.header("www-authenticate", 'Basic realm="frostlight"'), 401, result.reason);
      },
    },
    async (request, reply) => {
      const gateway = gatewayOf.get(request);
      const mediaType = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
      const acceptable = signatureOf(mediaType);
      if (gateway === undefined || acceptable === undefined) return refuse(reply, 415, "media-type-unsupported");
      const { sha256 } = request.params;
      try {
        // The content type parser above passes the request's own stream.
        const content = request.body as AsyncIterable<Uint8Array>;
        const put = await evidence.put(sha256, content, { limitBytes: contractLimits.evidenceBytes, acceptable });
        if (put.kind === "refused") {
          refusals.add(`evidence-${put.reason}`, { gatewayId: gateway.gatewayId, sha256: sha256.slice(0, 64) });
          return await refuse(reply, put.reason === "too-large" ? 413 : 422, put.reason);
        }
        const { organisationId, siteId, gatewayId } = gateway;
        const { sizeBytes } = put;
        const storedMs = clock.nowMs();
        const file = { sha256, organisationId, siteId, gatewayId, mediaType, sizeBytes, storedMs };
        const isNew = await stateStore.addEvidence(file);
        if (isNew) live?.publish({ kind: "evidence", organisationId, siteId, sha256 });
        return await reply.code(isNew ? 201 : 200).send({ sha256, sizeBytes });
      } catch (error) {
        logger.warn("evidence-not-stored", { gatewayId: gateway.gatewayId, error: describeError(error) });
        const code = isFrostlightError(error) ? error.code : "state/unavailable";
        return refuse(reply, 503, code);
      }
    },
  );
}
