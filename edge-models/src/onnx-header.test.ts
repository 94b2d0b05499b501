import { readFile } from "node:fs/promises";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { defaultModelFolder } from "./default-model.ts";
import { readOpset } from "./onnx-header.ts";

describe("readOpset", () => {
  it("finds the opset of a real model", async () => {
    expect(readOpset(await readFile(join(defaultModelFolder, "model.onnx")))).toBe(17);
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const opset = readOpset(bytes);
        expect(opset === undefined || typeof opset === "number").toBe(true);
      }),
    );
  });

  it("knows that a picture is no model", () => {
    expect(readOpset(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]))).toBeUndefined();
  });
});
