import type { TeachDesk } from "../core/teaching.ts";

/** `sha256`: the file's name, under which it is always the same; null: it has none. */
interface FoundFile {
  readonly data: Uint8Array;
  readonly contentType: "image/jpeg" | "video/mp4";
  readonly sha256: string | null;
}
type Found = { readonly json: unknown } | FoundFile | undefined;
type Read = (desk: TeachDesk, query: URLSearchParams) => Found | Promise<Found>;

const jpeg = (data: Uint8Array | undefined, sha256: string | null): Found =>
  data === undefined ? undefined : { data, contentType: "image/jpeg", sha256 };

/** What the page for teaching shows, by address. */
const reads: Readonly<Record<string, Read>> = {
  "/teach/things.json": (desk) => ({ json: { things: desk.things(), findings: desk.findings() } }),
  "/teach/frames.json": (desk, query) => ({ json: desk.frames(query.get("camera") ?? "") }),
  "/teach/persons.json": async (desk, query) => {
    const json = await desk.persons(query.get("frame") ?? "");
    return json === undefined ? undefined : { json };
  },
  "/teach/frame.jpg": (desk, query) => jpeg(desk.frame(query.get("frame") ?? ""), null),
  "/teach/crop.jpg": async (desk, query) => {
    const crop = query.get("crop") ?? "";
    return jpeg(await desk.crop(query.get("thing") ?? "", crop), crop);
  },
  "/teach/picture.jpg": async (desk, query) => {
    const sha256 = query.get("sha256") ?? "";
    return jpeg(await desk.picture(sha256), sha256);
  },
  "/teach/clip.mp4": async (desk, query) => {
    const sha256 = query.get("sha256") ?? "";
    const data = await desk.clip(sha256);
    return data === undefined ? undefined : { data, contentType: "video/mp4", sha256 };
  },
};

export function isTeachRead(path: string): boolean {
  return Object.hasOwn(reads, path);
}

/** undefined: there is nothing (any more). */
export async function readTeaching(desk: TeachDesk, path: string, query: URLSearchParams): Promise<Found> {
  return reads[path]?.(desk, query);
}
