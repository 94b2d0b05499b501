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
  /** PUT the file, `Authorization: Basic gatewayId:mqttPassword`; 201 new, 200 known. */
  evidence: (sha256: string): string => `/gateway/v1/evidence/${sha256}`,
} as const;

/** The gateway of a `…/batches` topic, if it is one. */
export function gatewayOfBatchTopic(topic: string): string | undefined {
  return /^frostlight\/v1\/([^/]+)\/batches$/.exec(topic)?.[1];
}
