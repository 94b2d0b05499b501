import { fileURLToPath } from "node:url";

/** The person and object detector that ships with Frostlight. */
export const defaultModelFolder = fileURLToPath(new URL("../person-centernet", import.meta.url));
