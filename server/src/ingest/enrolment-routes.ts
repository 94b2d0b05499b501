import {
  contractLimits,
  csrProofText,
  decodeEnrolRequest,
  decodeRenewRequest,
  encodeEnrolResponse,
  encodeRenewResponse,
  enrolProofText,
  gatewayPaths,
  publicKeyFromRaw,
  sha256Hex,
  verifySealed,
} from "@frostlight/contract";
import type { Clock, Logger, Random } from "@frostlight/kernel";
import type { FastifyInstance, FastifyReply, RouteShorthandOptions } from "fastify";

import type { CertificateAuthority, CertificateRegister } from "../core/authority.ts";
import type { GatewayAccess } from "../core/ingest.ts";
import { authenticateGateway, basicCredentials } from "./gateway-auth.ts";
import type { RefusalLog } from "./refusal-log.ts";

/** A request with a certificate request in it. */
export const enrolBodyBytes = contractLimits.csrBytes + 2_048;

export interface EnrolmentRouteDeps {
  readonly stateStore: Pick<GatewayAccess, "enrolGateway" | "gatewayCredentials"> & Partial<CertificateRegister>;
  /** Certifies gateways; without one nobody gets a certificate. */
  readonly authority?: CertificateAuthority;
  /** Where gateways find the broker, seen from the host name under which this one found the server. */
  readonly mqttUrl: (hostname: string) => string;
  /** The same with mutual TLS; empty when it is not offered. */
  readonly mqttsUrl?: (hostname: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Enrolments tried per minute and address. */
  readonly enrolmentsPerMinute?: number;
}

/** Joining with a one-time token, and renewing the certificate that was given then. */
export function enrolmentRoutes(app: FastifyInstance, deps: EnrolmentRouteDeps, refusals: RefusalLog): void {
  const perMinute = { max: deps.enrolmentsPerMinute ?? 20, timeWindow: 60_000, allowList: [] };
  const options = {
    bodyLimit: enrolBodyBytes,
    config: { permission: "gateway" as const, rateLimit: perMinute },
  };
  enrolRoute(app, deps, refusals, options);
  renewRoute(app, deps, refusals, options);
}

function enrolRoute(
  app: FastifyInstance,
  deps: EnrolmentRouteDeps,
  refusals: RefusalLog,
  settings: RouteShorthandOptions,
): void {
  const { stateStore, clock, random, logger } = deps;
  app.post(gatewayPaths.enrol, settings, async (request, reply) => {
    if (!(request.body instanceof Uint8Array)) return refuse(reply, 415, "media-type-unsupported");
    const decoded = decodeEnrolRequest(request.body);
    if (decoded.kind === "invalid") {
      refusals.add("enrol-malformed", { detail: decoded.reason });
      return refuse(reply, 400, "request-invalid", decoded.reason);
    }
    const { token, publicKey, proof, softwareVersion, csr, csrProof } = decoded.value;
    if (!isProven(enrolProofText(token), publicKey, proof)) {
      refusals.add("enrol-proof-wrong", { address: request.ip });
      return refuse(reply, 403, "proof-wrong", "the proof is not that key's over that token");
    }
    const gatewayId = `gw-${sha256Hex(publicKey).slice(0, 16)}`;
    const csrRefusal = await refusalOf(deps, gatewayId, publicKey, csr, csrProof);
    if (csrRefusal !== undefined) {
      // Before the token is used up.
      refusals.add(csrRefusal, { address: request.ip, gatewayId });
      return refuse(reply, 403, csrRefusal);
    }
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
    const certificatePem = csr === undefined ? "" : await certify(deps, gatewayId, csr, true);
    const { siteId } = result;
    logger.info("gateway-enrolled", {
      gatewayId,
      siteId,
      softwareVersion: softwareVersion.slice(0, 64),
      certified: certificatePem !== "",
    });
    const answer = encodeEnrolResponse({
      gatewayId,
      siteId,
      mqttUsername: gatewayId,
      mqttPassword: secret,
      mqttUrl: deps.mqttUrl(request.hostname),
      certificatePem,
      caPem: deps.authority?.caPem ?? "",
      mqttsUrl: certificatePem === "" ? "" : (deps.mqttsUrl?.(request.hostname) ?? ""),
      configurationKey: deps.authority?.configurationKey ?? new Uint8Array(),
    });
    return reply.header("cache-control", "no-store").type("application/x-protobuf").send(Buffer.from(answer));
  });
}

function renewRoute(
  app: FastifyInstance,
  deps: EnrolmentRouteDeps,
  refusals: RefusalLog,
  settings: RouteShorthandOptions,
): void {
  app.post(gatewayPaths.renew, settings, async (request, reply) => {
    const { username, secret } = basicCredentials(request.headers.authorization);
    const auth = await authenticateGateway(deps.stateStore, username, secret);
    if (auth.kind === "refused") {
      refusals.add(auth.reason, { gatewayId: username?.slice(0, contractLimits.identifierLength) });
      return refuse(reply.header("www-authenticate", 'Basic realm="frostlight"'), 401, auth.reason);
    }
    if (!(request.body instanceof Uint8Array)) return refuse(reply, 415, "media-type-unsupported");
    const decoded = decodeRenewRequest(request.body);
    if (decoded.kind === "invalid") {
      refusals.add("renew-malformed", { detail: decoded.reason });
      return refuse(reply, 400, "request-invalid", decoded.reason);
    }
    const { gatewayId } = auth.gateway;
    const { csr, csrProof } = decoded.value;
    const publicKey = Buffer.from(auth.gateway.publicKey, "hex");
    const refusal = await refusalOf(deps, gatewayId, publicKey, csr, csrProof);
    if (refusal !== undefined) {
      refusals.add(refusal, { gatewayId });
      return refuse(reply, 403, refusal);
    }
    // The old one runs out by itself: the gateway may be cut off before it has kept the new one.
    const certificatePem = await certify(deps, gatewayId, csr, false);
    if (certificatePem === "") return refuse(reply, 404, "no-authority", "this server gives out no certificates");
    deps.logger.info("gateway-certificate-renewed", { gatewayId });
    const answer = encodeRenewResponse({ certificatePem, caPem: deps.authority?.caPem ?? "" });
    return reply.header("cache-control", "no-store").type("application/x-protobuf").send(Buffer.from(answer));
  });
}

/** Both halves are looked at: the identity key's word for this request, and the request's own. */
async function refusalOf(
  deps: EnrolmentRouteDeps,
  gatewayId: string,
  publicKey: Uint8Array,
  csr: Uint8Array | undefined,
  csrProof: Uint8Array | undefined,
): Promise<string | undefined> {
  if (csr === undefined || csr.length === 0 || deps.authority === undefined) return undefined;
  if (!isProven(csrProofText(csr), publicKey, csrProof ?? new Uint8Array())) return "csr-proof-wrong";
  return deps.authority.checkRequest(gatewayId, csr);
}

/** @returns the certificate, recorded; empty when none can be had */
async function certify(
  { authority, stateStore, clock, logger }: EnrolmentRouteDeps,
  gatewayId: string,
  csr: Uint8Array,
  supersede: boolean,
): Promise<string> {
  if (authority === undefined || stateStore.addCertificate === undefined || csr.length === 0) return "";
  const issued = await authority.issueGatewayCertificate(gatewayId, csr);
  if (issued.kind === "refused") {
    logger.warn("certificate-not-issued", { gatewayId, reason: issued.reason });
    return "";
  }
  const { pem, ...certificate } = issued.certificate;
  await stateStore.addCertificate({ ...certificate, gatewayId, issuedMs: clock.nowMs(), supersede });
  return pem;
}

function isProven(body: Uint8Array, publicKey: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifySealed({ body, signature }, publicKeyFromRaw(publicKey));
  } catch {
    // 32 bytes that are no point on the curve prove nothing.
    return false;
  }
}

/** Refusals come before the body was read to its end: the connection cannot be used again. */
export function refuse(reply: FastifyReply, status: number, code: string, message = code): FastifyReply {
  return reply.code(status).header("connection", "close").send({ code, message });
}
