/** MQTT topics between a gateway and the server. Batches go up, acks and commands come down; all at QoS 1. */
export const topics = {
  batches: (gatewayId: string): string => `frostlight/v1/${gatewayId}/batches`,
  acks: (gatewayId: string): string => `frostlight/v1/${gatewayId}/acks`,
  commands: (gatewayId: string): string => `frostlight/v1/${gatewayId}/commands`,
  allBatches: "frostlight/v1/+/batches",
} as const;

/** HTTP paths a gateway uses, relative to the server's address. */
export const gatewayPaths = {
  /** POST an EnrolRequest (application/x-protobuf), get an EnrolResponse. */
  enrol: "/gateway/v1/enrol",
  /** POST a RenewRequest (application/x-protobuf) with the credentials, get a RenewResponse. */
  renew: "/gateway/v1/renew",
  /** POST concatenated SealedBatches, get an Ack (where MQTT is blocked); with the credentials. */
  batches: "/gateway/v1/batches",
  /** GET waiting commands, held open up to `?waitMs`; with the credentials. */
  commands: "/gateway/v1/commands",
  /** PUT the file, `Authorization: Basic gatewayId:mqttPassword`; 201 new, 200 known. */
  evidence: (sha256: string): string => `/gateway/v1/evidence/${sha256}`,
} as const;

/** The gateway of a `…/batches` topic, if it is one. */
export function gatewayOfBatchTopic(topic: string): string | undefined {
  return /^frostlight\/v1\/([^/]+)\/batches$/.exec(topic)?.[1];
}
