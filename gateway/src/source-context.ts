import { type Clock, describeError, type Logger, type Random } from "@frostlight/kernel";

import type { JournalReceipts } from "./core/journal.ts";
import type { ApprovalCard, PeerTrust } from "./core/peer-trust.ts";
import type { SourceContext } from "./core/source.ts";
import type { Recorder } from "./recorder.ts";
import type { StatusBoard } from "./status-board.ts";

/** What a source may ask of the gateway. */
export function sourceContext(parts: {
  readonly sourceId: string;
  /** The source's own folder. */
  readonly stateFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly recorder: Recorder;
  readonly receipts: JournalReceipts;
  readonly board: StatusBoard;
  readonly trust: PeerTrust;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): SourceContext {
  const { sourceId, stateFolder, environment, recorder, receipts, board, clock, random } = parts;
  const logger = parts.logger.child({ stage: "source", source: sourceId });
  return {
    sourceId,
    clock,
    random,
    logger,
    stateFolder,
    environment,
    submit: async (readings, deliveries) => {
      await recorder.submit(readings, deliveries);
      board.countReadings(sourceId, readings.length);
    },
    wasRecorded: (receipt) => receipts.hasReceipt(receipt),
    discover: (found) => {
      board.discover(sourceId, found);
    },
    trust: parts.trust,
    refuse: (refusal) => {
      board.refuse({ ...refusal, sourceId });
    },
    setState: (state) => {
      if (!board.setState(sourceId, state)) return;
      const explanation = { code: `source-${state.state}`, parameters: { code: state.code, message: state.message } };
      const event = { subject: `source:${sourceId}`, state: state.state, timeMs: clock.nowMs(), explanation };
      recorder.health(event).catch((error: unknown) => {
        logger.error("health-not-journaled", { error: describeError(error) });
      });
    },
  };
}

/** Tells the server, by way of the journal, of a certificate that waits for a person or was approved. */
export function reportCard(card: ApprovalCard, recorder: Recorder, clock: Clock, logger: Logger): void {
  const { fingerprintSha256, subject, issuer, validFromMs, validToMs, endpoint } = card.certificate;
  const parameters = {
    fingerprint: fingerprintSha256,
    subject: subject.slice(0, 200),
    issuer: issuer.slice(0, 200),
    validFrom: { timeMs: validFromMs },
    validTo: { timeMs: validToMs },
    endpoint: endpoint.slice(0, 200),
  };
  const explanation =
    card.state === "waiting"
      ? { code: "certificate-waiting", parameters }
      : { code: "certificate-approved", parameters: { ...parameters, approvedBy: card.approvedBy ?? "" } };
  const subjectOfEvent = `certificate:${card.sourceId}`;
  recorder
    .health({ subject: subjectOfEvent, state: card.state, timeMs: clock.nowMs(), explanation })
    .catch((error: unknown) => {
      logger.error("health-not-journaled", { error: describeError(error) });
    });
}

/** Says which points that people added at the gateway are not watched, and why. */
export function reportUnusable(
  unusable: readonly { readonly id: string; readonly reason: string }[],
  recorder: Recorder,
  clock: Clock,
  logger: Logger,
): void {
  for (const { id, reason } of unusable) {
    logger.error("added-point-unusable", { point: id, reason });
    const explanation = { code: "added-point-unusable", parameters: { point: id, reason: reason.slice(0, 300) } };
    const event = { subject: `point:${id}`, state: "unusable", timeMs: clock.nowMs(), explanation };
    recorder.health(event).catch((error: unknown) => {
      logger.error("health-not-journaled", { error: describeError(error) });
    });
  }
}
