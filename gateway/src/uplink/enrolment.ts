import { sign } from "node:crypto";
import { join } from "node:path";

import {
  csrProofText,
  decodeEnrolResponse,
  encodeEnrolRequest,
  enrolProofText,
  gatewayPaths,
} from "@frostlight/contract";
import { FrostlightError, isFrostlightError, readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

import type { Identity } from "../core/identity.ts";
import type { CertificateRequest } from "./certificate-request.ts";
import { problemOf, writeCertificate } from "./certificate.ts";
import { exchangeHttp, type HttpAnswer, type HttpExchange } from "./http-exchange.ts";

const schema = z.object({
  version: z.literal(1),
  gatewayId: z.string().min(1),
  siteId: z.string().min(1),
  serverUrl: z.string().min(1),
  mqttUrl: z.string().min(1),
  mqttUsername: z.string().min(1),
  mqttPassword: z.string().min(1),
  /** The server's authority, pinned; absent: it has none. */
  caPem: z.string().min(1).optional(),
  /** Mutual TLS; absent: not offered. */
  mqttsUrl: z.string().min(1).optional(),
  /** Raw Ed25519, hex: signs configurations. Absent: the server sends none. */
  configurationKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

/** What joining a server gave: whose site this is and how to speak to the server. Holds a secret. */
export type Enrolment = Readonly<Omit<z.output<typeof schema>, "version">>;

const fileName = "enrolment.json";
const idleTimeoutMs = 20_000;

/** The stored enrolment; undefined when the gateway has not joined. Damaged is `state/corrupt`, with a copy kept aside. */
export async function readEnrolment(folder: string): Promise<Enrolment | undefined> {
  const stored = await readState(join(folder, fileName), (text) => schema.parse(JSON.parse(text)));
  if (stored === undefined) return undefined;
  const { version: _, ...enrolment } = stored;
  return enrolment;
}

/** Like {@link readEnrolment}, for those who only want to know: a damaged file counts as not joined. The uplink tells about it. */
export async function loadEnrolment(folder: string): Promise<Enrolment | undefined> {
  try {
    return await readEnrolment(folder);
  } catch (error) {
    if (isFrostlightError(error, "state/corrupt")) return undefined;
    throw error;
  }
}

/**
 * Joins a server with a one-time token and stores what it gives (mode 0600) before returning. Rejects with
 * `enrol/token-refused` (wrong, used or expired token), `enrol/unreachable`, `enrol/server-error` (try again later) or
 * `enrol/bad-answer`.
 */
export async function enrol(parts: {
  readonly serverUrl: string;
  readonly token: string;
  readonly identity: Identity;
  readonly folder: string;
  readonly softwareVersion: string;
  readonly signal: AbortSignal;
  readonly ca?: string | undefined;
  readonly exchange?: HttpExchange | undefined;
  /** Makes a key and the request for its certificate; absent: no certificate is asked for. */
  readonly request?: ((gatewayId: string) => Promise<CertificateRequest>) | undefined;
}): Promise<Enrolment> {
  const { serverUrl, token, identity, folder, softwareVersion, signal } = parts;
  const { signingKey, gatewayId } = identity;
  const url = serverAddress(serverUrl, gatewayPaths.enrol);
  const proof = sign(null, enrolProofText(token), signingKey.privateKey);
  const asked = await parts.request?.(gatewayId);
  const certificate =
    asked === undefined ? {} : { csr: asked.csr, csrProof: sign(null, csrProofText(asked.csr), signingKey.privateKey) };
  let answer: HttpAnswer;
  try {
    answer = await (parts.exchange ?? exchangeHttp)({
      method: "POST",
      url,
      headers: { "content-type": "application/x-protobuf", accept: "application/x-protobuf" },
      body: encodeEnrolRequest({ token, publicKey: signingKey.publicKey, proof, softwareVersion, ...certificate }),
      ca: parts.ca,
      idleTimeoutMs,
      signal,
    });
  } catch (cause) {
    throw new FrostlightError("enrol/unreachable", "peer", `cannot join: ${url} does not answer`, { cause });
  }
  const { certificatePem, ...given } = readAnswer(url, answer, gatewayId);
  const enrolment: Enrolment = { ...given, serverUrl };
  if (asked !== undefined && certificatePem !== "") {
    const own = { keyPem: asked.keyPem, certificatePem, caPem: given.caPem ?? "" };
    const problem = problemOf(own, gatewayId);
    if (problem !== undefined) throw badAnswer(url, `its certificate cannot be used: ${problem}`);
    // Before the enrolment: cut off in between, the gateway joins again.
    await writeCertificate(folder, own);
  }
  await writeFileAtomic(join(folder, fileName), JSON.stringify({ version: 1, ...enrolment }), 0o600);
  return enrolment;
}

/** The server's address with a path below it. */
export function serverAddress(serverUrl: string, path: string): string {
  return serverUrl.replace(/\/+$/, "") + path;
}

function readAnswer(
  url: string,
  answer: HttpAnswer,
  gatewayId: string,
): Omit<Enrolment, "serverUrl"> & { readonly certificatePem: string } {
  const { status, body } = answer;
  if (status >= 500 || status === 408 || status === 429) {
    throw new FrostlightError("enrol/server-error", "peer", `cannot join now: ${url} answered ${status}`);
  }
  if (status < 200 || status > 299) {
    const message = `${url} refused the enrolment token (status ${status}): it is wrong, used or expired`;
    throw new FrostlightError("enrol/token-refused", "config", message);
  }
  const decoded = decodeEnrolResponse(body);
  if (decoded.kind === "invalid") throw badAnswer(url, decoded.reason);
  const { value } = decoded;
  if (value.gatewayId !== gatewayId) throw badAnswer(url, `it names this gateway ${value.gatewayId}, not ${gatewayId}`);
  const { certificatePem = "", caPem = "", mqttsUrl = "", configurationKey = new Uint8Array(), ...plain } = value;
  const checked = schema.safeParse({
    ...plain,
    ...(caPem === "" ? {} : { caPem }),
    ...(mqttsUrl === "" ? {} : { mqttsUrl }),
    ...(configurationKey.length === 0 ? {} : { configurationKey: Buffer.from(configurationKey).toString("hex") }),
    version: 1,
    serverUrl: url,
  });
  if (!checked.success) throw badAnswer(url, "site, broker address or credentials are missing");
  const { version: _, serverUrl: __, ...given } = checked.data;
  return { ...given, certificatePem };
}

function badAnswer(url: string, reason: string): FrostlightError {
  return new FrostlightError("enrol/bad-answer", "peer", `${url} gave an answer that cannot be used: ${reason}`);
}
