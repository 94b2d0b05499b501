import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";

import { configurationText } from "@frostlight/contract";
import type { Clock, Random } from "@frostlight/kernel";

import type { CertificateAuthority, IssueResult, ServerCredentials } from "../core/authority.ts";
import { openConfigurationKey, openRoot } from "./key-files.ts";
import type { AuthorityOptions } from "./options.ts";
import {
  checkRequest,
  cryptoKeyOf,
  describeCertificate,
  loadX509,
  newSerial,
  publicHalf,
  signatureAlgorithm,
  type X509,
} from "./x509.ts";

const dayMs = 86_400_000;
const rootDays = 3_652;
const serverDays = 365;
/** Certificates are valid from a little earlier, for gateways whose clock is behind. */
const backdateMs = 3_600_000;
/** RFC 5280, 4.2.1.12. */
const serverAuth = "1.3.6.1.5.5.7.3.1";
const clientAuth = "1.3.6.1.5.5.7.3.2";

/** The built-in authority: one root that certifies gateways and this server towards them, and signs configurations. */
export interface Authority extends CertificateAuthority {
  /** A fresh key and a certificate for it, valid a year. */
  serverCredentials(): Promise<ServerCredentials>;
}

/**
 * Opens the authority in its folder; its keys (mode 0600) are made at the first start and never leave it. Throws
 * `authority/key-missing`, `authority/key-mismatch` or `state/corrupt`: all need a person.
 */
export async function openAuthority(parts: {
  readonly folder: string;
  readonly options: AuthorityOptions;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<Authority> {
  const { folder, options, clock, random } = parts;
  const x509 = await loadX509();
  const configurationKey = await openConfigurationKey(folder);
  const root = await openRoot(folder, async (key) => makeRoot(x509, key, clock.nowMs(), newSerial(random)));
  const issuer = new x509.X509Certificate(root.certificatePem);
  const signingKey = cryptoKeyOf(root.privateKey);

  async function issue(request: {
    readonly name: string;
    readonly publicKey: KeyObject;
    readonly days: number;
    readonly usage: string;
    readonly extensions: readonly InstanceType<X509["Extension"]>[];
  }): Promise<string> {
    const nowMs = clock.nowMs();
    const publicKey = cryptoKeyOf(request.publicKey);
    const notAfterMs = Math.min(nowMs + request.days * dayMs, issuer.notAfter.getTime());
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerial(random),
      subject: [{ CN: [request.name] }],
      issuer: issuer.subjectName.toJSON(),
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(notAfterMs),
      signingAlgorithm: signatureAlgorithm,
      publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([request.usage]),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(issuer),
        ...request.extensions,
      ],
    });
    return certificate.toString("pem");
  }

  return {
    caPem: root.certificatePem,
    configurationKey: configurationKey.publicKey,

    async checkRequest(gatewayId, csr) {
      const checked = await checkRequest(x509, gatewayId, csr);
      return checked.kind === "refused" ? checked.reason : undefined;
    },

    async issueGatewayCertificate(gatewayId, csr): Promise<IssueResult> {
      const checked = await checkRequest(x509, gatewayId, csr);
      if (checked.kind === "refused") return checked;
      const { publicKey } = checked;
      const days = options.gatewayCertificateDays;
      const pem = await issue({ name: gatewayId, publicKey, days, usage: clientAuth, extensions: [] });
      return { kind: "issued", certificate: describeCertificate(pem) };
    },

    async serverCredentials() {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      const names = [...new Set([...options.names, hostname(), "localhost", "127.0.0.1", "::1"])];
      const alternatives = names.map((name) => ({
        type: isIP(name) === 0 ? ("dns" as const) : ("ip" as const),
        value: name,
      }));
      const certificatePem = await issue({
        name: "frostlight-server",
        publicKey,
        days: serverDays,
        usage: serverAuth,
        extensions: [
          new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "frostlight-server" }, ...alternatives]),
        ],
      });
      const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      return { certificatePem, keyPem, caPem: root.certificatePem };
    },

    signConfiguration: (gatewayId, version, yaml) =>
      sign(null, configurationText(gatewayId, version, yaml), configurationKey.privateKey),
  };
}

async function makeRoot(x509: X509, key: KeyObject, nowMs: number, serial: string): Promise<string> {
  const publicKey = cryptoKeyOf(publicHalf(key));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    name: [{ O: ["Frostlight"] }, { CN: [`Frostlight gateways ${serial.slice(0, 8)}`] }],
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + rootDays * dayMs),
    signingAlgorithm: signatureAlgorithm,
    keys: { privateKey: cryptoKeyOf(key), publicKey },
    extensions: [
      // Certifies ends, no further authorities.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return certificate.toString("pem");
}
