/** What people call things in `classes.txt` → what they mean here. */
const meanings: Readonly<Record<string, readonly string[]>> = {
  person: ["person", "people", "human", "pedestrian", "man", "woman", "worker", "chef", "cook"],
  face: ["face", "faces", "head"],
  mask: ["mask", "withmask", "masked", "facemask", "maskedface", "facewithmask", "maskon", "wearingmask"],
  "no mask": ["nomask", "withoutmask", "unmasked", "facenomask", "facewithoutmask", "maskoff", "notmasked"],
  rodent: ["rat", "rats", "mouse", "mice", "rodent", "rodents"],
};

/** Of the classes of a head for faces. */
export const faceClasses: readonly string[] = ["face", "mask", "no mask"];

/**
 * The meaning of a class's name: a class of the model if it has one of that name, else one of ours, else null.
 * A computer's mouse and an animal share a name: the model's own class wins only where the folder says nothing of masks or rats.
 */
export function meaningOf(name: string, modelClasses: readonly string[]): string | null {
  const plain = plainName(name);
  const own = modelClasses.find((known) => plainName(known) === plain);
  if (own !== undefined) return own;
  for (const [meaning, names] of Object.entries(meanings)) if (names.includes(plain)) return meaning;
  return null;
}

/** The same for folders of rats: "mouse" is the animal. */
export function isRodent(name: string): boolean {
  return (meanings["rodent"] ?? []).includes(plainName(name));
}

/** Mask, no mask, or neither. */
export function maskMeaning(name: string): "mask" | "no mask" | null {
  const meaning = meaningOf(name, []);
  return meaning === "mask" || meaning === "no mask" ? meaning : null;
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9\u4e00-\u9fff]+/g, "");
}
