/** Limits that are part of the contract: both ends refuse what exceeds them. */
export const contractLimits = {
  /** Encoded batch body, bytes. */
  batchBytes: 1_048_576,
  /** Samples in a batch. */
  batchSamples: 20_000,
  /** Alarm events, findings, health events, descriptions and drops in a batch, together. */
  batchEvents: 2_000,
  /** Identifiers, UTF-8 code units. */
  identifierLength: 128,
  /** Free text, UTF-8 code units. */
  textLength: 2_000,
  /** Parameters of one explanation. */
  explanationParameters: 64,
  /** Boxes of one finding. */
  findingBoxes: 100,
  /** Looks told with one finding. */
  findingFrames: 60,
  /** Small models told with one finding. */
  findingHeads: 16,
  /** Evidence files of one finding. */
  findingEvidence: 16,
  /** One evidence file, bytes. */
  evidenceBytes: 16 * 1_048_576,
  /** Outcomes in one ack. */
  ackOutcomes: 10_000,
  /** One command, bytes; a configuration file is the largest. */
  commandBytes: 1_048_576,
  /** A configuration file as a gateway tells it and a server sends it, UTF-8 code units. */
  configurationLength: 131_072,
  /** A certificate request (PKCS #10, DER), bytes. */
  csrBytes: 4_096,
} as const;
