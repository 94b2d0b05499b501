import { describeError } from "@frostlight/kernel";

import type { Discovery } from "../core/discovery.ts";
import { type BrowseLimits, describeVariables, walkVariables } from "./opcua-discovery.ts";
import type { OpcUaOptions } from "./opcua-options.ts";
import { loadOpcUaLibrary, openPki } from "./opcua-pki.ts";
import { OpcUaSession, type SessionContext } from "./opcua-session.ts";
import { type AddressSpace, openSpace } from "./opcua-space.ts";

/** Walks an open address space within its bounds; tells each variable that holds a number. */
export async function discoverVariables(
  space: AddressSpace,
  limits: BrowseLimits,
  signal: AbortSignal,
  tell: (found: Discovery, nodeId: string) => void,
): Promise<void> {
  const labels = new Set<string>();
  for await (const variables of walkVariables(space, limits, signal)) {
    for (const { discovery, nodeId } of await describeVariables(space, variables)) {
      // Siblings may have the same name.
      const label = labels.has(discovery.label) ? `${discovery.label} (${nodeId})` : discovery.label;
      labels.add(label);
      tell({ ...discovery, label }, nodeId);
    }
    if (signal.aborted) return;
  }
}

/**
 * Connects once, lists the numeric variables of a server with addresses ready for the configuration, and closes again.
 * Subscribes to nothing and writes nothing to the server. The server's certificate must be approved as for the source
 * itself; throws `opcua/…` when it is not, or whatever went wrong.
 */
export async function browseServer(
  options: OpcUaOptions,
  context: SessionContext,
  signal: AbortSignal,
): Promise<readonly Discovery[]> {
  signal.throwIfAborted();
  const library = await loadOpcUaLibrary(context.logger);
  const pki = await openPki(context.stateFolder, library);
  const session = new OpcUaSession(library, pki, options, context);
  const found: Discovery[] = [];
  const stop = (): void => void session.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const space = await openSpace(library, await session.open());
    await discoverVariables(space, { ...options.discovery, clock: context.clock }, signal, (one) => found.push(one));
    signal.throwIfAborted();
    return found;
  } catch (error) {
    context.logger.debug("opcua-browse-failed", { endpoint: options.endpoint, error: describeError(error) });
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    await session.close();
    await pki.certificates.dispose();
  }
}
