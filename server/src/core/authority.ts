/** A certificate the server's authority has just made. */
export interface IssuedCertificate {
  readonly pem: string;
  /** Hex, lower case. */
  readonly serial: string;
  /** SHA-256 of the DER bytes, hex. */
  readonly fingerprintSha256: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Why a certificate request was refused. */
export type CsrRefusal = "csr-malformed" | "csr-signature-wrong" | "csr-key-unsuitable" | "csr-name-wrong";

export type IssueResult =
  | { readonly kind: "issued"; readonly certificate: IssuedCertificate }
  | { readonly kind: "refused"; readonly reason: CsrRefusal };

/** The server's own authority: it vouches for gateways, for the server towards them, and for configurations. */
export interface CertificateAuthority {
  /** Its root, which gateways pin when they join. */
  readonly caPem: string;
  /** Raw Ed25519, 32 bytes: what gateways check configurations with. */
  readonly configurationKey: Uint8Array;
  /** Looks at a request (PKCS #10, DER) without making anything. */
  checkRequest(gatewayId: string, csr: Uint8Array): Promise<CsrRefusal | undefined>;
  issueGatewayCertificate(gatewayId: string, csr: Uint8Array): Promise<IssueResult>;
  /** Ed25519 over the contract's `configurationText`. */
  signConfiguration(gatewayId: string, version: number, yaml: string): Uint8Array;
}

/** What the server shows to gateways that connect with mutual TLS. */
export interface ServerCredentials {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

/** Certificates given out, and which of them still count. */
export interface CertificateRegister {
  /** @param supersede ends the gateway's earlier certificates now; otherwise they run out by themselves */
  addCertificate(certificate: {
    readonly gatewayId: string;
    readonly serial: string;
    readonly fingerprintSha256: string;
    readonly notBeforeMs: number;
    readonly notAfterMs: number;
    readonly issuedMs: number;
    readonly supersede: boolean;
  }): Promise<void>;
  /** Whose it is, and whether it was revoked; undefined for one that was never given out. */
  certificateStanding(
    serial: string,
  ): Promise<{ readonly gatewayId: string; readonly fingerprintSha256: string; readonly revoked: boolean } | undefined>;
}
