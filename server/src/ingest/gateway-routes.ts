import rateLimit from "@fastify/rate-limit";
import {
  contractLimits,
  decodeEnrolRequest,
  encodeEnrolResponse,
  enrolProofText,
  gatewayPaths,
  publicKeyFromRaw,
  sha256Hex,
  verifySealed,
} from "@frostlight/contract";
import { type Clock, describeError, isFrostlightError, type Logger, type Random } from "@frostlight/kernel";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";

import type { EvidenceStore } from "../core/evidence.ts";
import type { GatewayAccess, KnownGateway } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import { authenticateGateway } from "./gateway-auth.ts";
import { evidenceMediaTypes, signatureOf } from "./media-types.ts";
import { RefusalLog } from "./refusal-log.ts";

const enrolBodyBytes = 2_048;

export interface GatewayRoutesDeps {
  readonly stateStore: Pick<GatewayAccess, "enrolGateway" | "gatewayCredentials" | "addEvidence">;
  readonly evidence: EvidenceStore;
  /** Where gateways find the broker, seen from the host name under which this one found the server. */
  readonly mqttUrl: (hostname: string) => string;
  /** Told when a file arrived. */
  readonly live?: LivePublisher;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Enrolments tried per minute and address. */
  readonly enrolmentsPerMinute?: number;
}

/** The HTTP paths of gateways: joining with a one-time token, and uploading evidence. */
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
    enrolRoute(app, deps, refusals);
    evidenceRoute(app, deps, refusals);
  };
}

function enrolRoute(app: FastifyInstance, deps: GatewayRoutesDeps, refusals: RefusalLog): void {
  const { stateStore, clock, random, logger } = deps;
  const perMinute = { max: deps.enrolmentsPerMinute ?? 20, timeWindow: 60_000, allowList: [] };
  app.post(
    gatewayPaths.enrol,
    { bodyLimit: enrolBodyBytes, config: { permission: "gateway", rateLimit: perMinute } },
    async (request, reply) => {
      if (!(request.body instanceof Uint8Array)) return refuse(reply, 415, "media-type-unsupported");
      const decoded = decodeEnrolRequest(request.body);
      if (decoded.kind === "invalid") {
        refusals.add("enrol-malformed", { detail: decoded.reason });
        return refuse(reply, 400, "request-invalid", decoded.reason);
      }
      const { token, publicKey, proof, softwareVersion } = decoded.value;
      if (!isProven(token, publicKey, proof)) {
        refusals.add("enrol-proof-wrong", { address: request.ip });
        return refuse(reply, 403, "proof-wrong", "the proof is not that key's over that token");
      }
      const gatewayId = `gw-${sha256Hex(publicKey).slice(0, 16)}`;
      const secret = Buffer.from(random.bytes(32)).toString("base64url");
      const result = await stateStore.enrolGateway({
        tokenHash: sha256Hex(token),
        gatewayId,
        publicKey: Buffer.from(publicKey).toString("hex"),
        secretHash: sha256Hex(secret),
        atMs: clock.nowMs(),
      });
      if (result.kind === "refused") {
        refusals.add(result.reason, { address: request.ip, gatewayId });
        return refuse(reply, 403, result.reason);
      }
      logger.info("gateway-enrolled", {
        gatewayId,
        siteId: result.siteId,
        softwareVersion: softwareVersion.slice(0, 64),
      });
      const answer = encodeEnrolResponse({
        gatewayId,
        siteId: result.siteId,
        mqttUsername: gatewayId,
        mqttPassword: secret,
        mqttUrl: deps.mqttUrl(request.hostname),
      });
      return reply.header("cache-control", "no-store").type("application/x-protobuf").send(Buffer.from(answer));
    },
  );
}

function isProven(token: string, publicKey: Uint8Array, proof: Uint8Array): boolean {
  try {
    return verifySealed({ body: enrolProofText(token), signature: proof }, publicKeyFromRaw(publicKey));
  } catch {
    // 32 bytes that are no point on the curve prove nothing.
    return false;
  }
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

function basicCredentials(header: string | undefined): { readonly username?: string; readonly secret?: Uint8Array } {
  const encoded = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return {};
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return {};
  return { username: text.slice(0, colon), secret: Buffer.from(text.slice(colon + 1), "utf8") };
}

/** Refusals come before the body was read to its end: the connection cannot be used again. */
function refuse(reply: FastifyReply, status: number, code: string, message = code): FastifyReply {
  return reply.code(status).header("connection", "close").send({ code, message });
}
