import type { Calibration, ChangeRecord, HealthEvent } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  type Logger,
  type Part,
  readState,
  writeFileAtomic,
} from "@frostlight/kernel";
import { z } from "zod";

import { explain } from "./alarms/explanation-codes.ts";
import type { Point } from "./core/site.ts";

const checkMs = 60_000;
const maxCommandIds = 200;

const calibration = z.strictObject({
  offset: z.number().finite(),
  slope: z.number().finite().positive(),
  certificate: z.string().min(1).max(200).nullable(),
  dueMs: z.int().nullable(),
});

const memorySchema = z.strictObject({
  version: z.literal(1),
  points: z.record(
    z.string(),
    z.strictObject({
      calibration,
      /** What the configuration said when it was changed: once that is another, the configuration holds again. */
      configured: calibration,
    }),
  ),
  /** Changes in force that are perhaps not in the journal yet. */
  outbox: z.array(z.custom<ChangeRecord>((value) => typeof value === "object" && value !== null)),
  /** Commands that were carried out, newest last: the server repeats them. */
  commandIds: z.array(z.string()),
});
type Memory = z.infer<typeof memorySchema>;

export interface CalibrationRequest {
  readonly pointId: string;
  readonly calibration: Calibration;
  readonly actor: string;
  readonly reason: string;
  /** null: done at the gateway. */
  readonly commandId: string | null;
}

export type CalibrationOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "already-done" }
  | { readonly kind: "unchanged" }
  | { readonly kind: "unknown-point" }
  | { readonly kind: "invalid"; readonly message: string };

interface CalibrationsParts {
  readonly file: string;
  /** As configured. */
  readonly points: readonly Point[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a change has to reach; given at the start, when those exist. */
export interface CalibrationOutput {
  /** From the next reading on. */
  recalibrate(pointId: string, calibration: Calibration): void;
  /** Resolves when durable. */
  journal(change: ChangeRecord): Promise<void>;
  health(event: HealthEvent): Promise<void>;
  /** Tells the server what the points are now. */
  describe(): Promise<void>;
}

/**
 * The calibrations in force: those of the configuration, and changes made since by a person with a reason. A change is
 * written to the state file together with its record, then takes effect, then is journaled; a crash in between repeats the
 * record, never loses it.
 */
export class Calibrations implements Part {
  readonly name = "calibrations";
  readonly #parts: CalibrationsParts;
  readonly #isDamaged: boolean;
  #memory: Memory;
  #points: readonly Point[];
  #output: CalibrationOutput | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #cancel: CancelTimer = () => undefined;
  readonly #due = new Set<string>();
  /** The server has not been told yet what the points are now. */
  #isToldOld = false;

  private constructor(parts: CalibrationsParts, memory: Memory, isDamaged: boolean) {
    this.#parts = parts;
    this.#isDamaged = isDamaged;
    this.#memory = memory;
    this.#points = parts.points;
  }

  /** Reads the state file. A damaged one is kept aside and said in the journal; then the configuration holds. */
  static async open(parts: CalibrationsParts): Promise<Calibrations> {
    const empty: Memory = { version: 1, points: {}, outbox: [], commandIds: [] };
    let memory = empty;
    let isDamaged = false;
    try {
      memory = (await readState(parts.file, (text) => memorySchema.parse(JSON.parse(text)))) ?? empty;
    } catch (error) {
      isDamaged = true;
      parts.logger.error("calibrations-damaged", { error: describeError(error) });
    }
    const calibrations = new Calibrations(parts, memory, isDamaged);
    calibrations.#yieldToConfiguration();
    return calibrations;
  }

  /** Every point with the calibration in force. */
  points(): readonly Point[] {
    return this.#points;
  }

  /** Tells whom changes have to reach. */
  connect(output: CalibrationOutput): void {
    this.#output = output;
  }

  async start(): Promise<void> {
    const { clock } = this.#parts;
    this.#cancel = clock.every(checkMs, () => {
      void this.#inTurn(() => this.#check());
    });
    if (this.#isDamaged) {
      await this.#say({ subject: "calibrations", state: "lost", explanation: explain("calibrations-lost", {}) });
    }
    await this.#inTurn(() => this.#check());
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#turn.catch(() => undefined);
  }

  /** In force and on disk when resolved with `done`. */
  applyCalibration(request: CalibrationRequest): Promise<CalibrationOutcome> {
    return this.#inTurn(() => this.#apply(request));
  }

  async #apply(request: CalibrationRequest): Promise<CalibrationOutcome> {
    const { pointId, commandId } = request;
    const point = this.#points.find((candidate) => candidate.pointId === pointId);
    if (point === undefined) return { kind: "unknown-point" };
    if (commandId !== null && this.#memory.commandIds.includes(commandId)) return { kind: "already-done" };
    const parsed = calibration.safeParse(request.calibration);
    if (!parsed.success) return { kind: "invalid", message: z.prettifyError(parsed.error) };
    const [actor, reason] = [request.actor.trim(), request.reason.trim()];
    if (actor === "" || reason === "") return { kind: "invalid", message: "an author and a reason are needed" };
    const wanted = parsed.data;
    if (isSame(wanted, point.calibration) && commandId === null) return { kind: "unchanged" };
    const change: ChangeRecord = {
      subject: `point:${pointId}`,
      what: "calibration",
      before: describeCalibration(point.calibration),
      after: describeCalibration(wanted),
      author: actor,
      reason,
      timeMs: this.#parts.clock.nowMs(),
      commandId,
    };
    const configured = this.#parts.points.find((candidate) => candidate.pointId === pointId)?.calibration ?? wanted;
    await this.#save({
      ...this.#memory,
      points: { ...this.#memory.points, [pointId]: { calibration: wanted, configured } },
      outbox: [...this.#memory.outbox, change],
      commandIds: [...this.#memory.commandIds, ...(commandId === null ? [] : [commandId])].slice(-maxCommandIds),
    });
    this.#putInForce(pointId, wanted);
    this.#output?.recalibrate(pointId, wanted);
    this.#parts.logger.info("calibration-changed", { point: pointId, author: actor, after: change.after });
    this.#isToldOld = true;
    await this.#check();
    return { kind: "done" };
  }

  /** What was changed counts only as long as the configuration says what it said then. */
  #yieldToConfiguration(): void {
    const kept: Memory["points"] = {};
    const dropped: ChangeRecord[] = [];
    for (const point of this.#parts.points) {
      const own = this.#memory.points[point.pointId];
      if (own === undefined) continue;
      if (isSame(own.configured, point.calibration)) {
        kept[point.pointId] = own;
        this.#putInForce(point.pointId, own.calibration);
        continue;
      }
      dropped.push({
        subject: `point:${point.pointId}`,
        what: "calibration",
        before: describeCalibration(own.calibration),
        after: describeCalibration(point.calibration),
        author: "configuration",
        reason: "the configuration file says another calibration than when this one was changed",
        timeMs: this.#parts.clock.nowMs(),
        commandId: null,
      });
    }
    // Points that are not configured now may come back: what was changed of them stays.
    const names = new Set(this.#parts.points.map(({ pointId }) => pointId));
    const absent = Object.entries(this.#memory.points).filter(([pointId]) => !names.has(pointId));
    this.#memory = {
      ...this.#memory,
      points: { ...Object.fromEntries(absent), ...kept },
      outbox: [...this.#memory.outbox, ...dropped],
    };
  }

  #putInForce(pointId: string, calibration: Calibration): void {
    this.#points = this.#points.map((point) => (point.pointId === pointId ? { ...point, calibration } : point));
  }

  /** Journals what waits and says which calibrations have become due. */
  async #check(): Promise<void> {
    await this.#journalOutbox();
    await this.#describe();
    const nowMs = this.#parts.clock.nowMs();
    for (const { pointId, calibration } of this.#points) {
      const isDue = calibration.dueMs !== null && nowMs >= calibration.dueMs;
      if (isDue === this.#due.has(pointId)) continue;
      const subject = `point:${pointId}`;
      if (isDue) {
        this.#due.add(pointId);
        const parameters = {
          point: pointId,
          dueAt: { timeMs: calibration.dueMs ?? nowMs },
          certificate: calibration.certificate ?? "",
        };
        await this.#say({ subject, state: "calibration-due", explanation: explain("calibration-due", parameters) });
      } else {
        this.#due.delete(pointId);
        const explanation = explain("calibration-valid", { point: pointId });
        await this.#say({ subject, state: "calibration-valid", explanation });
      }
    }
  }

  async #journalOutbox(): Promise<void> {
    if (this.#output === undefined || this.#memory.outbox.length === 0) return;
    try {
      const waiting = this.#memory.outbox;
      for (const change of waiting) await this.#output.journal(change);
      await this.#save({ ...this.#memory, outbox: this.#memory.outbox.filter((change) => !waiting.includes(change)) });
    } catch (error) {
      this.#parts.logger.warn("calibration-change-waits", { error: describeError(error) });
    }
  }

  async #describe(): Promise<void> {
    if (!this.#isToldOld) return;
    try {
      await this.#output?.describe();
      this.#isToldOld = false;
    } catch (error) {
      this.#parts.logger.warn("site-description-waits", { error: describeError(error) });
    }
  }

  async #say(event: Omit<HealthEvent, "timeMs">): Promise<void> {
    try {
      await this.#output?.health({ ...event, timeMs: this.#parts.clock.nowMs() });
    } catch (error) {
      this.#parts.logger.error("health-not-journaled", { error: describeError(error) });
    }
  }

  async #save(memory: Memory): Promise<void> {
    await writeFileAtomic(this.#parts.file, JSON.stringify(memory));
    this.#memory = memory;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function isSame(a: Calibration, b: Calibration): boolean {
  return a.offset === b.offset && a.slope === b.slope && a.certificate === b.certificate && a.dueMs === b.dueMs;
}

function describeCalibration({ offset, slope, certificate, dueMs }: Calibration): string {
  const due = dueMs === null ? "" : `, due ${new Date(dueMs).toISOString().slice(0, 10)}`;
  return `value = ${slope} × raw ${offset < 0 ? "−" : "+"} ${Math.abs(offset)}${certificate === null ? "" : `, certificate ${certificate}`}${due}`;
}
