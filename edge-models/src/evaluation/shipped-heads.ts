import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Head, loadHead, requireFit } from "../heads/head.ts";
import type { LoadedModel } from "../load-model.ts";

/** One folder per head: `head.json` and its card. */
const headsFolder = fileURLToPath(new URL("../../heads", import.meta.url));

/** @throws `head/wrong-model` when it was fitted on another network than the given one */
export async function shippedHead(name: "mask" | "rodent", model: LoadedModel): Promise<Head> {
  const head = await loadHead(join(headsFolder, name, "head.json"));
  requireFit(head, model);
  return head;
}
