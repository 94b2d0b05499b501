import { join } from "node:path";

import type { Finding } from "@frostlight/contract";
import { describeError, type Logger, readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

const maxFindings = 200;

const box = z.strictObject({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() });
const remembered = z.strictObject({
  findingId: z.string(),
  cameraId: z.string(),
  ruleId: z.string(),
  ruleKind: z.string(),
  lastSeenMs: z.number(),
  explanation: z.strictObject({
    code: z.string(),
    parameters: z.record(z.string(), z.union([z.string(), z.number(), z.strictObject({ timeMs: z.number() })])),
  }),
  /** With boxes drawn, for people. */
  picture: z.string().nullable(),
  /** With nothing drawn, for new examples. */
  plain: z.string().nullable(),
  /** MP4; comes later than the rest. */
  clip: z.string().nullable().default(null),
  boxes: z.array(box),
  /** Head ids, "taught:hat". */
  heads: z.array(z.string()),
});
export type RememberedFinding = z.output<typeof remembered>;

const file = z.strictObject({ version: z.literal(1), findings: z.array(remembered) });

/** The last findings, so that a verdict can be given here and becomes examples. Losing it loses no finding. */
export class FindingMemory {
  readonly #path: string;
  readonly #logger: Logger;
  #findings: readonly RememberedFinding[];
  #saving: Promise<void> = Promise.resolve();
  #isDirty = false;

  private constructor(path: string, logger: Logger, findings: readonly RememberedFinding[]) {
    this.#path = path;
    this.#logger = logger;
    this.#findings = findings;
  }

  static async open(folder: string, logger: Logger): Promise<FindingMemory> {
    const path = join(folder, "findings.json");
    try {
      const kept = await readState(path, (text) => file.parse(JSON.parse(text)));
      return new FindingMemory(path, logger, kept?.findings ?? []);
    } catch (error) {
      logger.error("finding-memory-damaged", { error: describeError(error) });
      return new FindingMemory(path, logger, []);
    }
  }

  /** Newest first. */
  all(): readonly RememberedFinding[] {
    return this.#findings;
  }

  get(findingId: string): RememberedFinding | undefined {
    return this.#findings.find((finding) => finding.findingId === findingId);
  }

  /** A finding comes again when its clip is there: the later one stands. */
  note(finding: Finding): void {
    const { findingId, cameraId, ruleId, ruleKind, lastSeenMs, explanation, evidence, boxes, heads = [] } = finding;
    const own = evidence.filter(({ mediaType, public: shown }) => mediaType === "image/jpeg" && shown !== true);
    const of = (role: string): string | null => own.find((reference) => reference.role === role)?.sha256 ?? null;
    const entry: RememberedFinding = {
      findingId,
      cameraId,
      ruleId,
      ruleKind,
      lastSeenMs,
      explanation: { code: explanation.code, parameters: { ...explanation.parameters } },
      picture: of("picture") ?? evidence.find(({ mediaType }) => mediaType === "image/jpeg")?.sha256 ?? null,
      plain: of("original"),
      clip: evidence.find(({ role, mediaType }) => role === "clip" && mediaType === "video/mp4")?.sha256 ?? null,
      boxes: boxes.map(({ left, top, right, bottom }) => ({ left, top, right, bottom })),
      heads: heads.map(({ id }) => id),
    };
    this.#findings = [entry, ...this.#findings.filter((known) => known.findingId !== findingId)].slice(0, maxFindings);
    void this.#save();
  }

  /** What was noted is on disk, or could not be written. */
  settled(): Promise<void> {
    return this.#saving;
  }

  #save(): Promise<void> {
    if (this.#isDirty) return this.#saving;
    this.#isDirty = true;
    this.#saving = this.#saving.then(async () => {
      this.#isDirty = false;
      try {
        await writeFileAtomic(this.#path, JSON.stringify({ version: 1, findings: this.#findings }), 0o600);
      } catch (error) {
        this.#logger.warn("finding-memory-not-saved", { error: describeError(error) });
      }
    });
    return this.#saving;
  }
}
