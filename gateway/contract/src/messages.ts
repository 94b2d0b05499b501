import type { Calibration } from "./model.ts";

export type AckResult = "stored" | "duplicate" | "refused" | "retry-later";

export interface BatchOutcome {
  readonly sequence: number;
  readonly result: AckResult;
  /** Code for `refused` and `retry-later`, e.g. "signature-invalid"; empty otherwise. */
  readonly reason: string;
}

export interface Ack {
  readonly epoch: string;
  readonly outcomes: readonly BatchOutcome[];
}

/** What a person says of a finding: it is so (属实), it is not (误报), it cannot be told (无法判断). */
export type FindingVerdict = "true" | "false" | "unclear";

/** Something a person asked the gateway to do; repeated until its effect is seen in the journal. */
export interface Command {
  readonly commandId: string;
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly action: CommandAction;
}

export type CommandAction =
  | {
      readonly kind: "shelve-alarm";
      readonly alarmId: string;
      readonly untilMs: number;
      /** Ends with the condition, even before `untilMs`. */
      readonly oneShot: boolean;
      readonly reason: string;
    }
  | { readonly kind: "unshelve-alarm"; readonly alarmId: string; readonly reason: string }
  | { readonly kind: "reset-alarm"; readonly alarmId: string; readonly reason: string }
  | { readonly kind: "alarm-action-done"; readonly alarmId: string; readonly comment: string }
  | {
      readonly kind: "set-service";
      readonly target: { readonly zoneId: string } | { readonly pointId: string } | { readonly cameraId: string };
      readonly inService: boolean;
      /** Out of service until then at most. */
      readonly untilMs: number;
      readonly reason: string;
    }
  | {
      readonly kind: "judge-finding";
      readonly findingId: string;
      readonly verdict: FindingVerdict;
      readonly comment: string;
    }
  /** A step of teaching; the JSON is what the gateway's own page sends. */
  | { readonly kind: "teach"; readonly requestJson: string }
  | { readonly kind: "acknowledge-alarm"; readonly alarmId: string; readonly comment: string }
  | {
      readonly kind: "set-calibration";
      readonly pointId: string;
      readonly calibration: Calibration;
      readonly reason: string;
    }
  | {
      readonly kind: "approve-certificate";
      readonly sourceId: string;
      /** 64 lower-case hex digits. */
      readonly fingerprintSha256: string;
      readonly reason: string;
    }
  | {
      readonly kind: "apply-configuration";
      /** Grows. */
      readonly version: number;
      /** The whole file. */
      readonly yaml: string;
      /** Ed25519 by the server's configuration key over `configurationText(gatewayId, version, yaml)`. */
      readonly signature: Uint8Array;
      readonly reason: string;
    };

export interface EnrolRequest {
  readonly token: string;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Ed25519 over `enrolProofText(token)`, by that key. */
  readonly proof: Uint8Array;
  readonly softwareVersion: string;
  /** PKCS #10, DER; absent or empty: no certificate is asked for. */
  readonly csr?: Uint8Array;
  /** Ed25519 over `csrProofText(csr)`, by the same key; empty without a CSR. */
  readonly csrProof?: Uint8Array;
}

export interface EnrolResponse {
  readonly gatewayId: string;
  readonly siteId: string;
  readonly mqttUsername: string;
  /** Also the bearer secret of HTTP uploads. */
  readonly mqttPassword: string;
  readonly mqttUrl: string;
  /** The gateway's certificate; absent or empty: none was asked for. */
  readonly certificatePem?: string;
  /** The server's authority; empty when it has none. */
  readonly caPem?: string;
  /** Mutual TLS; empty: not offered. */
  readonly mqttsUrl?: string;
  /** Raw Ed25519 public key, 32 bytes, that signs configurations; empty: the server sends none. */
  readonly configurationKey?: Uint8Array;
}

/** A new certificate before the old one ends. */
export interface RenewRequest {
  readonly csr: Uint8Array;
  readonly csrProof: Uint8Array;
}

export interface RenewResponse {
  readonly certificatePem: string;
  readonly caPem: string;
}
