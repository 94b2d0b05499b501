import { access } from "node:fs/promises";
import { join } from "node:path";

import { describeError } from "@frostlight/kernel";

import type { CheckFinding, PointBinding } from "../core/source.ts";

/** Whether the recordings are there. */
export async function checkRecordings(
  path: string,
  points: readonly PointBinding<{ readonly file?: string | undefined }>[],
): Promise<readonly CheckFinding[]> {
  const files = new Set(points.map(({ address }) => (address.file === undefined ? path : join(path, address.file))));
  if (files.size === 0) files.add(path);
  return Promise.all(
    [...files].map(async (what): Promise<CheckFinding> => {
      try {
        await access(what);
        return { what, isOk: true, message: "is there" };
      } catch (error) {
        return { what, isOk: false, message: `cannot be read: ${describeError(error)}` };
      }
    }),
  );
}
