import { readFile } from "node:fs/promises";

import { secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { chainOf, fingerprintOf, publicKeyOf } from "../core/peer-certificate.ts";
import type { ConfiguredTrust } from "../core/peer-trust.ts";
import { isSignedFor, splitPem } from "./opcua-certificate.ts";
import { parseBrowsePath } from "./opcua-path.ts";

/** Lower-case hex; colons and capitals, as other tools print fingerprints, are accepted. */
const fingerprint = z
  .string()
  .transform((text) => text.replaceAll(":", "").toLowerCase())
  .refine((text) => /^[0-9a-f]{64}$/.test(text), "expected a SHA-256 fingerprint, 64 hex digits");

const certificateReference = z.union([
  z.strictObject({ sha256: fingerprint }),
  z.strictObject({ file: z.string().min(1) }),
]);

/** 0: as soon as the server notices a change. */
const samplingIntervalMs = z.int().min(0).max(3_600_000);
/** Values the server keeps of a node between two publishings. */
const queueSize = z.int().min(1).max(10_000);
/** Absolute: a value is reported when it differs from the last reported one by more. */
const deadband = z.number().min(0).max(1e9);

export const opcUaOptions = z
  .strictObject({
    endpoint: z
      .string()
      .regex(/^opc\.tcp:\/\/[^\s/:]+(?::\d{1,5})?(?:\/\S*)?$/, "expected an address such as opc.tcp://plc:4840"),
    securityMode: z.enum(["None", "Sign", "SignAndEncrypt"]).default("SignAndEncrypt"),
    /** Only used when the mode is not None. The last two rest on SHA-1: for controllers that offer nothing better. */
    securityPolicy: z
      .enum(["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss", "Basic256", "Basic128Rsa15"])
      .default("Basic256Sha256"),
    /** Approves this server certificate in advance: its SHA-256 fingerprint, or a file (PEM or DER). */
    serverCertificate: certificateReference.optional(),
    /** Authorities whose certificates for this server's address are approved in advance. */
    trustedIssuers: z.array(certificateReference).max(16).default([]),
    /** Anonymous without user name and user certificate. */
    username: z.string().min(1).max(128).optional(),
    password: secretReference.optional(),
    /** Sends the password although the connection is not protected: whoever is in between can read it. */
    allowUnprotectedPassword: z.boolean().default(false),
    /** Signs in with a certificate (PEM or DER file) and its RSA key (PEM). */
    userCertificate: z.strictObject({ file: z.string().min(1), privateKey: secretReference }).optional(),
    samplingIntervalMs: samplingIntervalMs.default(1_000),
    publishingIntervalMs: z.int().min(50).max(60_000).default(1_000),
    queueSize: queueSize.default(100),
    /** When that queue is full: keep the newest. */
    discardOldest: z.boolean().default(true),
    deadband: deadband.default(0),
    /** Takes the unit that the server gives for a node (EUInformation) in place of the configured one. */
    engineeringUnits: z.boolean().default(true),
    /** A session from which nothing came for so long is taken for frozen and rebuilt. */
    watchdogMs: z.int().min(500).max(600_000).default(20_000),
    /** Looks for variables that no point is configured for, after connecting and then every hour. */
    discovery: z
      .strictObject({
        enabled: z.boolean().default(true),
        maxNodes: z.int().min(1).max(100_000).default(2_000),
        maxDepth: z.int().min(1).max(50).default(12),
        maxSeconds: z.int().min(1).max(600).default(30),
      })
      .prefault({}),
  })
  .refine(({ username, userCertificate }) => username === undefined || userCertificate === undefined, {
    path: ["userCertificate"],
    message: "expected either a user name or a user certificate, not both",
  })
  .refine(
    (options) => options.password === undefined || options.securityMode !== "None" || options.allowUnprotectedPassword,
    {
      path: ["securityMode"],
      message:
        "with None the password can be read on the way: choose Sign or SignAndEncrypt, or say allowUnprotectedPassword: true",
    },
  );
export type OpcUaOptions = z.infer<typeof opcUaOptions>;

const perPoint = {
  samplingIntervalMs: samplingIntervalMs.optional(),
  queueSize: queueSize.optional(),
  deadband: deadband.optional(),
};

const byNodeId = z.strictObject({
  nodeId: z
    .string()
    .max(512)
    .regex(
      /^(?:ns=\d{1,5};|nsu=[^;]+;)?[isgb]=.+$/s,
      "expected a node id such as ns=2;s=Room1.Temperature or nsu=urn:plc;i=5",
    ),
  ...perPoint,
});

const byBrowsePath = z.strictObject({
  browsePath: z
    .string()
    .max(1_024)
    .refine(
      (text) => parseBrowsePath(text) !== undefined,
      "expected a path below the root such as /Objects/ColdStore/*/Temperature",
    ),
  ...perPoint,
});

/** Where a point is found on an OPC UA server; what is not given here is as for the whole source. */
export const opcUaAddress = z.union([byNodeId, byBrowsePath]);
export type OpcUaAddress = z.infer<typeof opcUaAddress>;

/** As a person reads it. */
export function addressText(address: OpcUaAddress): string {
  return "nodeId" in address ? address.nodeId : address.browsePath;
}

/** What the configuration says about the certificate chain of a server. Throws when a named file cannot be read. */
export async function configuredTrust(options: OpcUaOptions, chain: readonly Uint8Array[]): Promise<ConfiguredTrust> {
  const pin = options.serverCertificate;
  const pinnedFile = pin !== undefined && "file" in pin ? await readCertificates(pin.file) : [];
  const pinnedLeaf = pinnedFile[0];
  const issuerFiles: Uint8Array[] = [];
  const issuers = new Set<string>();
  for (const issuer of options.trustedIssuers) {
    if ("sha256" in issuer) {
      issuers.add(issuer.sha256);
      continue;
    }
    for (const certificate of await readCertificates(issuer.file)) {
      issuerFiles.push(certificate);
      issuers.add(fingerprintOf(certificate));
    }
  }
  return {
    pinned:
      pinnedLeaf !== undefined
        ? { fingerprintSha256: fingerprintOf(pinnedLeaf), publicKeySha256: publicKeyOf(pinnedLeaf) }
        : pin !== undefined && "sha256" in pin
          ? { fingerprintSha256: pin.sha256, publicKeySha256: null }
          : null,
    isFromApprovedIssuer: isSignedFor(hostOf(options.endpoint), chain, issuerFiles, issuers),
  };
}

/** DER, one after the other, or PEM. */
async function readCertificates(file: string): Promise<readonly Uint8Array[]> {
  const bytes = await readFile(file);
  return bytes.includes("-----BEGIN CERTIFICATE-----") ? splitPem(bytes.toString("latin1")) : chainOf(bytes);
}

function hostOf(endpoint: string): string {
  return /^opc\.tcp:\/\/([^\s/:]+)/.exec(endpoint)?.[1] ?? "";
}
