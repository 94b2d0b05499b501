/** A peer's certificate as a person compares it. */
export interface PeerCertificate {
  /** SHA-256 of the DER bytes, 64 lower-case hex digits. */
  readonly fingerprintSha256: string;
  /** SHA-256 of the subject public key info, hex: the same after a renewal with the same key. */
  readonly publicKeySha256: string;
  readonly subject: string;
  readonly issuer: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** Where it was met, e.g. "opc.tcp://plc:4840". */
  readonly endpoint: string;
}

/** Waits for a person, or was judged by one. */
export interface ApprovalCard {
  readonly sourceId: string;
  readonly certificate: PeerCertificate;
  readonly state: "waiting" | "approved";
  readonly firstSeenMs: number;
  /** Who approved it: a person, "configuration", or "renewal" (same key or approved issuer). */
  readonly approvedBy: string | null;
}

/** What a source's own configuration says about the certificate it met. */
export interface ConfiguredTrust {
  /** The certificate that the configuration pins; the key is known when it names a file. */
  readonly pinned: { readonly fingerprintSha256: string; readonly publicKeySha256: string | null } | null;
  /** An issuer that the configuration names has signed it for this peer. */
  readonly isFromApprovedIssuer: boolean;
}

/** Which certificates a source may trust: never one that nobody approved. */
export interface PeerTrust {
  /** `unknown` makes an approval card. */
  judge(certificate: PeerCertificate, configured?: ConfiguredTrust): Promise<"approved" | "unknown">;
  /** Called after each approval for this source; returns the unsubscribe function. */
  onApproval(listener: (fingerprintSha256: string) => void): () => void;
}

/** A person's word on a card. */
export interface CertificateApproval {
  readonly sourceId: string;
  readonly fingerprintSha256: string;
  readonly actor: string;
  readonly reason: string;
  /** null: given at the gateway. */
  readonly commandId: string | null;
}

/** `unknown-certificate`: no such card; it must have been seen before it can be approved. */
export type ApprovalOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "already-approved" }
  | { readonly kind: "unknown-certificate" };
