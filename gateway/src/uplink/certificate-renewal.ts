import { sign } from "node:crypto";

import { csrProofText, decodeRenewResponse, encodeRenewRequest, gatewayPaths } from "@frostlight/contract";
import {
  type Clock,
  describeError,
  FrostlightError,
  type Logger,
  type Random,
  retryDelayMs,
  type RetrySchedule,
} from "@frostlight/kernel";

import type { Identity } from "../core/identity.ts";
import type { CertificateRequest } from "./certificate-request.ts";
import { type ClientCertificate, lifeOf, problemOf, writeCertificate } from "./certificate.ts";
import { type Enrolment, serverAddress } from "./enrolment.ts";
import type { HttpExchange } from "./http-exchange.ts";

/** How often the wall clock is looked at: it may jump, so no timer is set for a date. */
const checkMs = 3_600_000;
/** After a renewal nothing is renewed for so long, whatever the wall clock says. */
const restMs = 12 * 3_600_000;
const retry: RetrySchedule = { firstMs: 60_000, factor: 2, maxMs: 6 * 3_600_000, jitter: 0.3 };
const jitter = 0.2;
const idleTimeoutMs = 20_000;
/** A wall clock this far before a certificate's beginning is wrong. */
const clockWrongMs = 86_400_000;

export interface RenewalParts {
  readonly serverUrl: string;
  readonly enrolment: Enrolment;
  readonly folder: string;
  readonly identity: Identity;
  readonly request: (gatewayId: string) => Promise<CertificateRequest>;
  readonly exchange: HttpExchange;
  readonly ca: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The certificate in use now; undefined when it was lost. */
  readonly current: () => ClientCertificate | undefined;
  readonly onRenewed: (certificate: ClientCertificate) => void;
}

/**
 * Renews the gateway's certificate when two thirds of its life are over, over HTTP and with the identity key's word, so also
 * when it has run out. Works until the signal aborts; rejects only then.
 */
export async function keepCertificate(parts: RenewalParts, signal: AbortSignal): Promise<void> {
  const { clock, random, logger } = parts;
  let failures = 0;
  for (;;) {
    let waitMs = checkMs * (1 + jitter * (random.next() * 2 - 1));
    if (isDue(parts.current(), clock.nowMs())) {
      try {
        const certificate = await renew(parts, signal);
        parts.onRenewed(certificate);
        logger.info("certificate-renewed", { validTo: new Date(lifeOf(certificate.certificatePem).notAfterMs) });
        failures = 0;
        waitMs = restMs;
      } catch (error) {
        signal.throwIfAborted();
        waitMs = retryDelayMs(retry, failures, random);
        failures += 1;
        logger.warn("certificate-not-renewed", { error: describeError(error), retryMs: Math.round(waitMs) });
      }
    }
    await clock.sleep(waitMs, signal);
  }
}

/** Whether a new one is needed. A clock before the certificate's time is wrong and decides nothing. */
function isDue(certificate: ClientCertificate | undefined, nowMs: number): boolean {
  if (certificate === undefined) return true;
  const { notBeforeMs, renewalMs } = lifeOf(certificate.certificatePem);
  return nowMs >= renewalMs && nowMs > notBeforeMs - clockWrongMs;
}

/** Asks once. The new certificate is on disk when resolved. */
async function renew(parts: RenewalParts, signal: AbortSignal): Promise<ClientCertificate> {
  const { enrolment, identity, folder } = parts;
  const { gatewayId, caPem } = enrolment;
  const { keyPem, csr } = await parts.request(gatewayId);
  const url = serverAddress(parts.serverUrl, gatewayPaths.renew);
  const credentials = Buffer.from(`${enrolment.mqttUsername}:${enrolment.mqttPassword}`).toString("base64");
  const { status, body } = await parts.exchange({
    method: "POST",
    url,
    headers: {
      "content-type": "application/x-protobuf",
      accept: "application/x-protobuf",
      authorization: `Basic ${credentials}`,
    },
    body: encodeRenewRequest({ csr, csrProof: sign(null, csrProofText(csr), identity.signingKey.privateKey) }),
    ca: await parts.ca(),
    idleTimeoutMs,
    signal,
  });
  if (status !== 200) throw new FrostlightError("certificate/refused", "peer", `${url} answered ${status}`);
  const decoded = decodeRenewResponse(body);
  if (decoded.kind === "invalid") throw new FrostlightError("certificate/bad-answer", "peer", decoded.reason);
  // The authority pinned at joining judges the new certificate, not the one the answer names.
  const certificate = { keyPem, certificatePem: decoded.value.certificatePem, caPem: caPem ?? decoded.value.caPem };
  const problem = problemOf(certificate, gatewayId);
  if (problem !== undefined) throw new FrostlightError("certificate/bad-answer", "peer", problem);
  await writeCertificate(folder, certificate);
  return certificate;
}
