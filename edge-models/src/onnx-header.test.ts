import { readFile } from "node:fs/promises";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { defaultModelFolder } from "./default-model.ts";
import { readModelFacts } from "./onnx-header.ts";
import { externalTensor, floats, graph, model, node, tensor, value } from "./testing/onnx-writer.ts";

const output = value("y", "float32", [1]);

describe("readModelFacts", () => {
  it("finds opset, operators and the size of the tensors of a real model", async () => {
    const bytes = await readFile(join(defaultModelFolder, "model.onnx"));
    const facts = readModelFacts(bytes);
    expect(facts).toMatchObject({ opset: 17, externalTensors: [] });
    expect([...(facts?.domains ?? [])]).toEqual([""]);
    expect(facts?.tensorBytes).toBeGreaterThan(bytes.length * 0.9);
    expect(facts?.tensorBytes).toBeLessThan(bytes.length * 1.1);
  });

  it("sees custom operators, also in a branch of a graph", () => {
    const branch = graph({ nodes: [node("Own", [], ["y"], {}, "com.example")], outputs: [output] });
    const bytes = model({ nodes: [node("If", ["c"], ["y"], { then_branch: { graph: branch } })], outputs: [output] });
    expect([...(readModelFacts(bytes)?.domains ?? [])].toSorted()).toEqual(["", "com.example"]);
  });

  it("names tensors that lie in other files", () => {
    const bytes = model({ nodes: [], initializers: [externalTensor("w", [4], "../secret")], outputs: [output] });
    expect(readModelFacts(bytes)?.externalTensors).toEqual(["w"]);
  });

  it("counts what dimensions promise, not what is there", () => {
    const huge = tensor("w", "float32", [100_000, 100_000], new Float32Array(1));
    const constant = node("Constant", [], ["c"], { value: { tensor: floats("", [2], [1, 2]) } });
    const bytes = model({ nodes: [constant], initializers: [huge], outputs: [output] });
    expect(readModelFacts(bytes)?.tensorBytes).toBe(40_000_000_008);
  });

  it("refuses graphs nested without end instead of following them", () => {
    let inner = graph({ nodes: [], outputs: [output] });
    for (let depth = 0; depth < 200; depth += 1) {
      inner = graph({ nodes: [node("If", ["c"], ["y"], { then_branch: { graph: inner } })], outputs: [output] });
    }
    const bytes = model({ nodes: [node("If", ["c"], ["y"], { then_branch: { graph: inner } })], outputs: [output] });
    expect(readModelFacts(bytes)).toBeUndefined();
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const facts = readModelFacts(bytes);
        expect(facts === undefined || typeof facts.opset === "number").toBe(true);
      }),
    );
  });

  it("never throws on a model with a few changed bytes", () => {
    const real = model({
      nodes: [node("Mul", ["x", "w"], ["y"])],
      initializers: [floats("w", [1], [2])],
      inputs: [value("x", "float32", ["n"])],
      outputs: [output],
    });
    const change = fc.tuple(fc.nat(real.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Uint8Array.from(real);
        for (const [at, byte] of changes) bytes[at] = byte;
        const facts = readModelFacts(bytes);
        expect(facts === undefined || facts.tensorBytes >= 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("knows that a picture is no model", () => {
    expect(readModelFacts(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]))).toBeUndefined();
  });
});
