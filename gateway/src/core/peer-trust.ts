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
  /** Who approved it: a person, "configuration", or "renewal" (same key as an approved one). */
  readonly approvedBy: string | null;
}

/** Which certificates a source may trust: never one that nobody approved. */
export interface PeerTrust {
  /** `unknown` makes an approval card. */
  judge(certificate: PeerCertificate): Promise<"approved" | "unknown">;
  /** Called after each approval for this source; returns the unsubscribe function. */
  onApproval(listener: (fingerprintSha256: string) => void): () => void;
}
