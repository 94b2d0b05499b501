import { FakeClock } from "@frostlight/kernel/testing";
import { expect, it } from "vitest";

import { describeVariables, walkVariables } from "./opcua-discovery.ts";
import { resolveAddresses } from "./opcua-resolve.ts";
import type { AddressSpace, SpaceNode } from "./opcua-space.ts";

/** A tree in memory: node id → children. Counts what is asked. */
function space(tree: Readonly<Record<string, readonly string[]>>): AddressSpace & { asked: number } {
  const node = (nodeId: string): SpaceNode => ({
    nodeId,
    namespaceIndex: 1,
    name: nodeId.replace(/^.*[=.]/, ""),
    isVariable: !(nodeId in tree),
    isProperty: false,
  });
  const made = {
    asked: 0,
    namespaces: ["http://opcfoundation.org/UA/", "urn:a", "urn:b"],
    children: (nodeIds: readonly string[]) => {
      made.asked += nodeIds.length;
      return Promise.resolve(nodeIds.map((nodeId) => (tree[nodeId] ?? []).map(node)));
    },
    values: () => Promise.resolve([]),
    properties: () => Promise.resolve([]),
  };
  return made;
}

const rooms = Object.fromEntries(Array.from({ length: 50 }, (_, room) => [`s=r${room}`, [`s=r${room}.T`]]));
const tree = { "i=84": ["s=Objects"], "s=Objects": Object.keys(rooms), ...rooms };

it("asks each node once, however many paths lead through it", async () => {
  const tested = space(tree);
  const addresses = Array.from({ length: 50 }, (_, room) => ({ browsePath: `/Objects/r${room}/T` }));
  const resolved = await resolveAddresses(addresses, tested);
  expect(resolved[7]).toEqual({ kind: "node", nodeId: "s=r7.T" });
  expect(resolved.every(({ kind }) => kind === "node")).toBe(true);
  expect(tested.asked).toBe(52);
});

it("names some of the nodes that a pattern fits, and how many there are", async () => {
  const [resolved] = await resolveAddresses([{ browsePath: "/Objects/*/T" }], space(tree));
  expect(resolved).toMatchObject({ kind: "unresolved", code: "opcua-path-ambiguous" });
  expect(JSON.stringify(resolved)).toMatch(/50 nodes: .* and 40 more/);
});

it("knows one node that two paths lead to for one", async () => {
  const [resolved] = await resolveAddresses(
    [{ browsePath: "/Objects/*/T" }],
    space({ "i=84": ["s=Objects"], "s=Objects": ["s=a", "s=b"], "s=a": ["s=T"], "s=b": ["s=T"] }),
  );
  expect(resolved).toEqual({ kind: "node", nodeId: "s=T" });
});

it("puts the present index in the place of a namespace's address", async () => {
  expect(await resolveAddresses([{ nodeId: "nsu=urn:b;s=x" }, { nodeId: "nsu=urn:c;s=x" }], space({}))).toMatchObject([
    { kind: "node", nodeId: "ns=2;s=x" },
    { kind: "unresolved", code: "opcua-namespace-unknown" },
  ]);
});

it("ends although references make a loop, and stops at its bounds", async () => {
  const loop = { "i=85": ["s=a"], "s=a": ["s=b", "s=v"], "s=b": ["s=a", "s=w"] };
  const limits = { maxNodes: 100, maxDepth: 10, maxSeconds: 10, clock: new FakeClock() };
  const walk = async (more: object): Promise<string[]> => {
    const found: string[] = [];
    for await (const variables of walkVariables(space(loop), { ...limits, ...more }, new AbortController().signal)) {
      found.push(...variables.map(({ path }) => path));
    }
    return found;
  };
  expect(await walk({})).toEqual(["/Objects/1:a/1:v", "/Objects/1:a/1:b/1:w"]);
  expect(await walk({ maxNodes: 2 })).toEqual([]);
  expect(await walk({ maxDepth: 3 })).toEqual(["/Objects/1:a/1:v"]);
  expect(await describeVariables(space(loop), [])).toEqual([]);
});
