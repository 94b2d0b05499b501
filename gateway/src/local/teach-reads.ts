import type { TeachDesk } from "../core/teaching.ts";

type Found = { readonly json: unknown } | { readonly jpeg: Uint8Array } | undefined;
type Read = (desk: TeachDesk, query: URLSearchParams) => Found | Promise<Found>;

const picture = (jpeg: Uint8Array | undefined): Found => (jpeg === undefined ? undefined : { jpeg });

/** What the page for teaching shows, by address. */
const reads: Readonly<Record<string, Read>> = {
  "/teach/things.json": (desk) => ({ json: { things: desk.things(), findings: desk.findings() } }),
  "/teach/frames.json": (desk, query) => ({ json: desk.frames(query.get("camera") ?? "") }),
  "/teach/persons.json": async (desk, query) => {
    const json = await desk.persons(query.get("frame") ?? "");
    return json === undefined ? undefined : { json };
  },
  "/teach/frame.jpg": (desk, query) => picture(desk.frame(query.get("frame") ?? "")),
  "/teach/crop.jpg": async (desk, query) => picture(await desk.crop(query.get("thing") ?? "", query.get("crop") ?? "")),
  "/teach/picture.jpg": async (desk, query) => picture(await desk.picture(query.get("sha256") ?? "")),
};

export function isTeachRead(path: string): boolean {
  return Object.hasOwn(reads, path);
}

/** undefined: there is nothing (any more). */
export async function readTeaching(desk: TeachDesk, path: string, query: URLSearchParams): Promise<Found> {
  return reads[path]?.(desk, query);
}
