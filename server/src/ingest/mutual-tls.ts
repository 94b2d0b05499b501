import type { Socket } from "node:net";
import { createServer, type Server, TLSSocket } from "node:tls";

import type { CancelTimer, Clock } from "@frostlight/kernel";

import type { CertificateRegister, ServerCredentials } from "../core/authority.ts";

const dayMs = 86_400_000;
/** The server's certificate lasts a year; a process that runs longer shows a new one. */
const refreshMs = 30 * dayMs;
/** `setInterval` counts in 32 bits. */
const checkMs = dayMs;

/** What a gateway showed in the TLS handshake; the chain to our root and the dates were checked there. */
export interface PeerCertificate {
  readonly commonName: string;
  /** Hex, lower case. */
  readonly serial: string;
  readonly fingerprintSha256: string;
}

/**
 * A TLS listener that lets in nobody without a certificate of our root. Everything else about the certificate is looked at
 * when the gateway says who it is.
 */
export async function createMutualTlsServer(parts: {
  readonly credentials: () => Promise<ServerCredentials>;
  readonly handshakeTimeoutMs: number;
  readonly clock: Clock;
  readonly onConnection: (socket: Socket) => void;
  readonly onRefreshFailed: (error: unknown) => void;
}): Promise<{ readonly server: Server; readonly cancelRefresh: CancelTimer }> {
  const { credentials, handshakeTimeoutMs, clock, onConnection, onRefreshFailed } = parts;
  const context = async (): Promise<{ readonly cert: string; readonly key: string; readonly ca: string }> => {
    const { certificatePem, keyPem, caPem } = await credentials();
    return { cert: certificatePem, key: keyPem, ca: caPem };
  };
  const server = createServer(
    {
      ...(await context()),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      handshakeTimeout: handshakeTimeoutMs,
    },
    onConnection,
  );
  let madeMs = clock.monotonicMs();
  const cancelRefresh = clock.every(checkMs, () => {
    if (clock.monotonicMs() - madeMs < refreshMs) return;
    madeMs = clock.monotonicMs();
    context().then((fresh) => {
      server.setSecureContext(fresh);
      return undefined;
    }, onRefreshFailed);
  });
  return { server, cancelRefresh };
}

/**
 * The certificate of a connection; undefined where none was asked for. A connection that is authorised but shows none (a
 * resumed session, perhaps) has one of nobody.
 */
export function peerCertificateOf(connection: unknown): PeerCertificate | undefined {
  if (!(connection instanceof TLSSocket) || !connection.authorized) return undefined;
  const certificate = connection.getPeerX509Certificate();
  if (certificate === undefined) return { commonName: "", serial: "", fingerprintSha256: "" };
  return {
    commonName: /^CN=(.*)$/.exec(certificate.subject)?.[1] ?? "",
    serial: certificate.serialNumber.toLowerCase(),
    fingerprintSha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

export type CertificateRefusal = "certificate-of-another" | "certificate-unknown" | "certificate-revoked";

/** Whether a certificate that passed the handshake is this gateway's and still counts. */
export async function refuseCertificate(
  register: Pick<CertificateRegister, "certificateStanding">,
  certificate: PeerCertificate,
  gatewayId: string,
): Promise<CertificateRefusal | undefined> {
  if (certificate.commonName !== gatewayId) return "certificate-of-another";
  const standing = await register.certificateStanding(certificate.serial);
  if (standing === undefined || standing.fingerprintSha256 !== certificate.fingerprintSha256) {
    return "certificate-unknown";
  }
  if (standing.gatewayId !== gatewayId) return "certificate-of-another";
  return standing.revoked ? "certificate-revoked" : undefined;
}
