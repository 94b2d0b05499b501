import type { OpcUaAddress } from "./opcua-options.ts";
import { parseBrowsePath, type PathStep } from "./opcua-path.ts";
import type { AddressSpace, SpaceNode } from "./opcua-space.ts";
import { rootFolder } from "./opcua-space.ts";

/** Which node an address means on this server, now. */
export type Resolved =
  | { readonly kind: "node"; readonly nodeId: string }
  | { readonly kind: "unresolved"; readonly code: UnresolvedCode; readonly message: string };

type UnresolvedCode =
  | "opcua-namespace-unknown"
  | "opcua-path-unmatched"
  | "opcua-path-ambiguous"
  | "opcua-path-too-wide";

/** Patterns may look at so many nodes altogether. */
const maxNodesLookedAt = 50_000;
const maxNamed = 10;

/**
 * Finds the nodes of addresses: namespaces by their address, browse paths step by step (each node is asked once, however
 * many paths lead through it). One address means one node; a pattern that fits several is an error that names them.
 */
export async function resolveAddresses(
  addresses: readonly OpcUaAddress[],
  space: AddressSpace,
): Promise<readonly Resolved[]> {
  const paths = new PathFinder(space);
  const results: Resolved[] = [];
  const byPath = addresses.flatMap((address) => ("browsePath" in address ? [address.browsePath] : []));
  const found = await paths.find([...new Set(byPath)]);
  for (const address of addresses) {
    results.push(
      "nodeId" in address
        ? resolveNodeId(address.nodeId, space.namespaces)
        : (found.get(address.browsePath) ?? unresolved("opcua-path-unmatched", address.browsePath)),
    );
  }
  return results;
}

/** `nsu=` names a namespace by its address: its index is the server's affair and may change with a restart. */
function resolveNodeId(nodeId: string, namespaces: readonly string[]): Resolved {
  const [, uri, rest] = /^nsu=([^;]+);(.*)$/s.exec(nodeId) ?? [];
  if (uri === undefined || rest === undefined) return { kind: "node", nodeId };
  const index = namespaces.indexOf(uri);
  if (index >= 0) return { kind: "node", nodeId: `ns=${index};${rest}` };
  return unresolved("opcua-namespace-unknown", `the server has no namespace ${uri}`);
}

function unresolved(code: UnresolvedCode, message: string): Resolved {
  return { kind: "unresolved", code, message };
}

interface Reached {
  readonly nodeId: string;
  readonly path: string;
}

class PathFinder {
  readonly #space: AddressSpace;
  readonly #children = new Map<string, readonly SpaceNode[]>();

  constructor(space: AddressSpace) {
    this.#space = space;
  }

  async find(paths: readonly string[]): Promise<ReadonlyMap<string, Resolved>> {
    const reached = new Map<string, readonly Reached[]>();
    const steps = new Map(paths.map((path) => [path, parseBrowsePath(path) ?? []]));
    for (const path of paths) reached.set(path, [{ nodeId: rootFolder, path: "" }]);
    const depth = Math.max(0, ...[...steps.values()].map((list) => list.length));
    for (let level = 0; level < depth; level += 1) {
      const going = paths.filter((path) => (steps.get(path)?.length ?? 0) > level);
      const isAllowed = await this.#fetch(
        going.flatMap((path) => (reached.get(path) ?? []).map(({ nodeId }) => nodeId)),
      );
      if (!isAllowed) return new Map(paths.map((path) => [path, tooWide]));
      for (const path of going) {
        const step = steps.get(path)?.[level];
        if (step !== undefined) reached.set(path, this.#follow(reached.get(path) ?? [], step));
      }
    }
    return new Map(paths.map((path) => [path, judge(path, reached.get(path) ?? [])]));
  }

  async #fetch(nodeIds: readonly string[]): Promise<boolean> {
    const missing = [...new Set(nodeIds)].filter((nodeId) => !this.#children.has(nodeId));
    if (this.#children.size + missing.length > maxNodesLookedAt) return false;
    const lists = await this.#space.children(missing);
    for (const [index, nodeId] of missing.entries()) this.#children.set(nodeId, lists[index] ?? []);
    return true;
  }

  #follow(from: readonly Reached[], step: PathStep): readonly Reached[] {
    const next = new Map<string, Reached>();
    for (const { nodeId, path } of from) {
      for (const child of this.#children.get(nodeId) ?? []) {
        if (step.namespaceIndex !== null && step.namespaceIndex !== child.namespaceIndex) continue;
        if (!step.matches(child.name) || next.has(child.nodeId)) continue;
        next.set(child.nodeId, { nodeId: child.nodeId, path: `${path}/${child.namespaceIndex}:${child.name}` });
      }
    }
    return [...next.values()];
  }
}

const tooWide = unresolved("opcua-path-too-wide", `the paths lead over more than ${maxNodesLookedAt} nodes`);

function judge(path: string, reached: readonly Reached[]): Resolved {
  const [first, ...others] = reached;
  if (first === undefined) return unresolved("opcua-path-unmatched", `the server has nothing at ${path}`);
  if (others.length === 0) return { kind: "node", nodeId: first.nodeId };
  const named = reached.slice(0, maxNamed).map((one) => `${one.path} (${one.nodeId})`);
  const more = reached.length > maxNamed ? ` and ${reached.length - maxNamed} more` : "";
  return unresolved("opcua-path-ambiguous", `${path} fits ${reached.length} nodes: ${named.join(", ")}${more}`);
}
