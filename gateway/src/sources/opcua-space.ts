import type { BrowseResult, ClientSession, DataValue } from "node-opcua-client";

import type { OpcUaLibrary } from "./opcua-pki.ts";

/** What lies below a node. */
export interface SpaceNode {
  readonly nodeId: string;
  readonly namespaceIndex: number;
  readonly name: string;
  readonly isVariable: boolean;
  /** Reached by HasProperty. */
  readonly isProperty: boolean;
}

/** An OPC UA address space, as far as it is browsed and read. Results come in the order of what was asked. */
export interface AddressSpace {
  /** Addresses of the namespaces by index. */
  readonly namespaces: readonly string[];
  /** Objects and variables that hierarchical references lead to. */
  children(nodeIds: readonly string[]): Promise<readonly (readonly SpaceNode[])[]>;
  values(nodeIds: readonly string[]): Promise<readonly DataValue[]>;
  /** The property of each node with this name of namespace 0. */
  properties(nodeIds: readonly string[], name: string): Promise<readonly (string | undefined)[]>;
}

export const rootFolder = "i=84";
export const objectsFolder = "i=85";

/** A server that names no limit is asked for so much at once. */
const defaultChunk = 1_000;
/** NodeClass of Part 3, table 35. */
const variableClass = 2;
/** References of one node beyond this are not looked at. */
const maxReferences = 50_000;
const referencesPerAnswer = 1_000;

interface Limits {
  readonly read: number;
  readonly browse: number;
  readonly translate: number;
  readonly monitor: number;
}

/** The address space of a session, asked within the server's operation limits. */
export class SessionSpace implements AddressSpace {
  readonly namespaces: readonly string[];
  readonly limits: Limits;
  readonly #library: OpcUaLibrary;
  readonly #session: ClientSession;

  constructor(library: OpcUaLibrary, session: ClientSession, namespaces: readonly string[], limits: Limits) {
    this.#library = library;
    this.#session = session;
    this.namespaces = namespaces;
    this.limits = limits;
  }

  async values(nodeIds: readonly string[]): Promise<readonly DataValue[]> {
    const attributeId = this.#library.AttributeIds.Value;
    const found: DataValue[] = [];
    for (const chunk of chunks(nodeIds, this.limits.read)) {
      found.push(...(await this.#session.read(chunk.map((nodeId) => ({ nodeId, attributeId })))));
    }
    return found;
  }

  async children(nodeIds: readonly string[]): Promise<readonly (readonly SpaceNode[])[]> {
    const { BrowseDirection, NodeClassMask } = this.#library;
    const found: SpaceNode[][] = [];
    for (const chunk of chunks(nodeIds, this.limits.browse)) {
      const results = await this.#session.browse(
        chunk.map((nodeId) => ({
          nodeId,
          browseDirection: BrowseDirection.Forward,
          referenceTypeId: "HierarchicalReferences",
          includeSubtypes: true,
          nodeClassMask: NodeClassMask.Object | NodeClassMask.Variable,
          resultMask: 0x3f,
        })),
      );
      for (const result of results) {
        const references = [...(result.references ?? [])];
        let more: Buffer | null = result.continuationPoint;
        while (more !== null && more !== undefined && more.length > 0 && references.length < maxReferences) {
          const next: BrowseResult = await this.#session.browseNext(more, false);
          references.push(...(next.references ?? []));
          more = next.continuationPoint;
        }
        if (more !== null && more !== undefined && more.length > 0) await this.#session.browseNext(more, true);
        found.push(
          references
            .filter(({ nodeId }) => nodeId.serverIndex === 0)
            .map((reference) => {
              const nodeClass: number = reference.nodeClass;
              return {
                nodeId: this.#idText(reference.nodeId.namespace, reference.nodeId),
                namespaceIndex: reference.browseName.namespaceIndex,
                name: reference.browseName.name ?? "",
                isVariable: nodeClass === variableClass,
                isProperty: reference.referenceTypeId.toString() === "ns=0;i=46",
              };
            }),
        );
      }
    }
    return found;
  }

  async properties(nodeIds: readonly string[], name: string): Promise<readonly (string | undefined)[]> {
    const { resolveNodeId } = this.#library;
    const found: (string | undefined)[] = [];
    for (const chunk of chunks(nodeIds, this.limits.translate)) {
      const results = await this.#session.translateBrowsePath(
        chunk.map((nodeId) => ({
          startingNode: resolveNodeId(nodeId),
          relativePath: {
            elements: [
              {
                referenceTypeId: resolveNodeId("i=46"), // HasProperty
                isInverse: false,
                includeSubtypes: true,
                targetName: { namespaceIndex: 0, name },
              },
            ],
          },
        })),
      );
      for (const { targets } of results) {
        const target = targets?.[0]?.targetId;
        found.push(target === undefined ? undefined : this.#idText(target.namespace, target));
      }
    }
    return found;
  }

  #idText(namespace: number, nodeId: { readonly identifierType: number; readonly value: unknown }): string {
    const { NodeId } = this.#library;
    // A plain node id: an expanded one may carry the namespace twice.
    return new NodeId(nodeId.identifierType, nodeId.value as string | number | Buffer, namespace).toString(); // as it came
  }
}

/** Reads namespaces and operation limits. */
export async function openSpace(library: OpcUaLibrary, session: ClientSession): Promise<SessionSpace> {
  const { AttributeIds, VariableIds } = library;
  const attributeId = AttributeIds.Value;
  const [namespaces, ...limits] = await session.read([
    { nodeId: `i=${VariableIds.Server_NamespaceArray}`, attributeId },
    { nodeId: `i=${VariableIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead}`, attributeId },
    { nodeId: `i=${VariableIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse}`, attributeId },
    {
      nodeId: `i=${VariableIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds}`,
      attributeId,
    },
    { nodeId: `i=${VariableIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall}`, attributeId },
    { nodeId: `i=${VariableIds.Server_ServerCapabilities_MaxBrowseContinuationPoints}`, attributeId },
  ]);
  const limit = (index: number): number => {
    const value: unknown = limits[index]?.value.value;
    return typeof value === "number" && value > 0 ? Math.min(value, defaultChunk) : defaultChunk;
  };
  return new SessionSpace(library, session, namespacesOf(namespaces), {
    read: limit(0),
    browse: Math.min(limit(1), limit(4), referencesPerAnswer),
    translate: limit(2),
    monitor: limit(3),
  });
}

/** The namespace array out of its value. */
export function namespacesOf(value: DataValue | undefined): readonly string[] {
  const found: unknown = value?.value.value;
  return Array.isArray(found) ? found.map(String) : [];
}

export function* chunks<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}
