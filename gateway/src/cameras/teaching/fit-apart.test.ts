import { fitHead, type FitRequest } from "@frostlight/edge-models";
import { expect, it } from "vitest";

import { fitApart } from "./fit-apart.ts";
import { taughtDescriptor } from "./taught-descriptor.ts";

function request(count: number): FitRequest {
  return {
    id: "taught-hat",
    version: "1",
    task: "taught",
    classes: ["no", "yes"],
    descriptor: taughtDescriptor,
    modelSha256: "a".repeat(64),
    examples: Array.from({ length: count }, (_, index) => ({
      descriptor: Float32Array.from([index % 2, ((index * 7_919) % 101) / 101, ((index * 613) % 97) / 97]),
      label: index % 2 === 0 ? "no" : "yes",
      group: `#${index}`,
    })),
    minRegionPixels: 24,
  };
}

it("gives the same head from a thread of its own as in place", async () => {
  expect(await fitApart(request(160))).toEqual(fitHead(request(160)));
}, 60_000);

it("says from the thread what is wrong with the examples", async () => {
  const broken = request(160);
  const alike = broken.examples.map((example) => ({ ...example, label: "yes" }));
  await expect(fitApart({ ...broken, examples: alike })).rejects.toMatchObject({ code: "head/too-few-examples" });
}, 60_000);
