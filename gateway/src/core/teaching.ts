import type { FindingVerdict } from "@frostlight/contract";
import { z } from "zod";

const fraction = z.number().min(0).max(1);

/** Id of something taught, as the rule `taught` names it. */
const thingId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "expected 1-48 lower-case letters, digits or dashes");
const identifier = z.string().min(1).max(128);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits");
const name = z.string().trim().min(1).max(100);

const region = z
  .strictObject({ left: fraction, top: fraction, right: fraction, bottom: fraction })
  .refine(({ left, top, right, bottom }) => left < right && top < bottom, { message: "a region without area" });

/** A picture to mark in: one that the camera showed a moment ago, or one that belongs to a finding. */
const pictureSource = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("frame"), cameraId: identifier, frameId: z.string().min(1).max(64) }),
  z.strictObject({ kind: z.literal("evidence"), cameraId: identifier, sha256 }),
]);
export type PictureSource = z.output<typeof pictureSource>;

/** One step of teaching, from the gateway's own page and from the server alike. Regions are fractions of the picture. */
export const teachRequest = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("define-thing"),
    thing: thingId,
    name: z.strictObject({ zh: name, en: name }),
    /** Judged on each person (whole, head, upper body), or on fixed places; as in the rule `taught`. */
    on: z.enum(["person", "head", "upper-body", "places"]),
    /** Cameras it is meant for. */
    cameras: z.array(identifier).min(1).max(32),
    /** Rectangles around the fixed places, offered when marking. */
    places: z.array(region).max(16).default([]),
  }),
  z.strictObject({
    kind: z.literal("mark"),
    thing: thingId,
    picture: pictureSource,
    region,
    answer: z.enum(["yes", "no"]),
  }),
  z.strictObject({ kind: z.literal("unmark"), thing: thingId, crop: sha256 }),
  z.strictObject({ kind: z.literal("fit"), thing: thingId }),
  z.strictObject({
    kind: z.literal("activate"),
    thing: thingId,
    version: z.int().min(1),
    /** Switch it on although there are too few examples or it is too often wrong. */
    acceptWeak: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal("deactivate"), thing: thingId }),
  /** Back to the version that was in use before. */
  z.strictObject({ kind: z.literal("roll-back"), thing: thingId }),
  /** What a camera learnt by itself is forgotten: its rules' scene, or the normal picture of its health. */
  z.strictObject({
    kind: z.literal("learn-anew"),
    cameraId: identifier,
    what: z.enum(["scene", "health"]),
    reason: z.string().trim().min(1).max(500),
  }),
  /** With all its crops and versions. */
  z.strictObject({ kind: z.literal("remove"), thing: thingId }),
]);
export type TeachRequest = z.output<typeof teachRequest>;

/** Who asks, and by which command; null: at the gateway itself. */
export interface TeachCaller {
  readonly actor: string;
  readonly commandId: string | null;
}

export type TeachRefusal =
  | "invalid"
  | "unknown-thing"
  | "unknown-camera"
  | "unknown-crop"
  | "unknown-version"
  | "picture-gone"
  | "region-too-small"
  | "too-many-things"
  | "too-many-examples"
  | "no-room"
  | "too-few-examples"
  | "too-weak"
  | "not-active"
  | "nothing-before"
  | "already-there"
  | "no-detector"
  | "nothing-learnt";

export type TeachOutcome =
  | { readonly kind: "done"; readonly version?: number; readonly crop?: string }
  | { readonly kind: "already-done" }
  | { readonly kind: "refused"; readonly reason: TeachRefusal; readonly message: string };

export interface VerdictRequest {
  readonly findingId: string;
  readonly verdict: FindingVerdict;
  readonly comment: string;
}

/** How good a version was on its own examples, each judged by a fit without it. */
export interface TaughtQuality {
  readonly auroc: number;
  readonly accuracy: number;
  readonly uncertain: number;
  /** `confusion[marked][said]`; no, yes. */
  readonly confusion: readonly (readonly number[])[];
  /** Hashes of crops it got wrong, the surest mistake first. */
  readonly worst: readonly string[];
}

/** For the local page. */
export interface TaughtThingView {
  readonly thing: string;
  readonly name: { readonly zh: string; readonly en: string };
  readonly on: "person" | "head" | "upper-body" | "places";
  readonly cameras: readonly string[];
  readonly places: readonly z.output<typeof region>[];
  readonly examples: readonly {
    readonly crop: string;
    readonly answer: "yes" | "no";
    readonly cameraId: string;
    readonly frameMs: number;
    readonly markedMs: number;
    readonly by: string;
    readonly source: "marked" | "verdict" | "imported";
  }[];
  /** Newest first. */
  readonly versions: readonly {
    readonly version: number;
    readonly createdMs: number;
    readonly by: string;
    readonly examples: number;
    readonly quality: TaughtQuality;
    /** Why it is not switched on without saying so explicitly; empty: nothing against it. */
    readonly weaknesses: readonly TaughtWeakness[];
    /** Made after a verdict, to be looked at. */
    readonly suggested: boolean;
  }[];
  readonly active: number | null;
  readonly canRollBack: boolean;
  /** Rules of cameras that ask for it. */
  readonly usedBy: readonly { readonly cameraId: string; readonly ruleId: string }[];
}

export type TaughtWeakness = "few-examples" | "low-auroc" | "low-accuracy";

/** A finding a person may judge here. */
export interface JudgeableFinding {
  readonly findingId: string;
  readonly cameraId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly lastSeenMs: number;
  readonly explanation: { readonly code: string; readonly parameters: Readonly<Record<string, unknown>> };
  /** Picture with boxes, while it is still here. */
  readonly picture: string | null;
  /** MP4 of the seconds around it. */
  readonly clip: string | null;
  readonly verdict: { readonly verdict: FindingVerdict; readonly by: string; readonly timeMs: number } | null;
}

export interface RecentFrame {
  readonly frameId: string;
  readonly timeMs: number;
}

export type PersonParts = Readonly<Record<"person" | "head" | "upper-body", z.output<typeof region>>>;

/** What the local page asks of teaching. */
export interface TeachDesk {
  teach(request: unknown, caller: TeachCaller): Promise<TeachOutcome>;
  judge(request: VerdictRequest, caller: TeachCaller): Promise<TeachOutcome>;
  things(): readonly TaughtThingView[];
  findings(): readonly JudgeableFinding[];
  /** Frames are kept while somebody asks for them, oldest first. */
  frames(cameraId: string): readonly RecentFrame[];
  frame(frameId: string): Uint8Array | undefined;
  /** Persons in a frame, as the camera's detector sees them, and the parts of them that are judged. */
  persons(frameId: string): Promise<readonly PersonParts[] | undefined>;
  crop(thing: string, sha256: string): Promise<Uint8Array | undefined>;
  picture(sha256: string): Promise<Uint8Array | undefined>;
  /** The MP4 of a finding. */
  clip(sha256: string): Promise<Uint8Array | undefined>;
  /** A thing with its crops and versions as one file; undefined: no such thing. */
  export(thing: string, caller: TeachCaller): Promise<Uint8Array | undefined>;
  /** Takes such a file of another gateway; heads are fitted anew. */
  import(file: unknown, caller: TeachCaller): Promise<TeachOutcome>;
}
