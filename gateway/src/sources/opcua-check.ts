import { describeError } from "@frostlight/kernel";

import type { Discovery } from "../core/discovery.ts";
import type { CheckFinding, PointBinding, ProbeContext } from "../core/source.ts";
import { browseServer } from "./opcua-browse.ts";
import { addressText, type OpcUaAddress, type OpcUaOptions } from "./opcua-options.ts";
import { loadOpcUaLibrary, openPki } from "./opcua-pki.ts";
import { resolveAddresses } from "./opcua-resolve.ts";
import { OpcUaSession } from "./opcua-session.ts";
import { openSpace } from "./opcua-space.ts";

type Points = readonly PointBinding<OpcUaAddress>[];

/** Signs in once, finds and reads each point's node, and closes the session. Subscribes to nothing, writes nothing. */
export async function checkOpcUa(
  options: OpcUaOptions,
  points: Points,
  context: ProbeContext,
  signal: AbortSignal,
): Promise<readonly CheckFinding[]> {
  const { endpoint } = options;
  const library = await loadOpcUaLibrary(context.logger);
  const pki = await openPki(context.stateFolder, library);
  const session = new OpcUaSession(library, pki, options, context);
  const stop = (): void => void session.close();
  signal.addEventListener("abort", stop, { once: true });
  const findings: CheckFinding[] = [];
  try {
    signal.throwIfAborted();
    const space = await openSpace(library, await session.open());
    const how = options.securityMode === "None" ? "unprotected" : `${options.securityMode}, ${options.securityPolicy}`;
    findings.push({ what: endpoint, isOk: true, message: `connected and signed in (${how})` });
    const resolved = await resolveAddresses(
      points.map(({ address }) => address),
      space,
    );
    const found = resolved.flatMap((one) => (one.kind === "node" ? [one.nodeId] : []));
    const values = await space.values(found);
    for (const [index, { pointId, address }] of points.entries()) {
      const one = resolved[index];
      const what = `point ${pointId}`;
      if (one?.kind !== "node") {
        findings.push({ what, isOk: false, message: one?.message ?? addressText(address) });
        continue;
      }
      const status = values[found.indexOf(one.nodeId)]?.statusCode;
      const isOk = status?.isGood() === true;
      const said = status?.name ?? "no answer";
      const message = `${one.nodeId}: ${said}${isOk ? "" : "; expected a readable variable with a good value"}`;
      findings.push({ what, isOk, message });
    }
  } catch (error) {
    const message = signal.aborted ? "no answer in time" : describeError(error);
    findings.push({ what: endpoint, isOk: false, message });
  } finally {
    signal.removeEventListener("abort", stop);
    await session.close();
    await pki.certificates.dispose();
  }
  return findings;
}

/** Browses the server once; nodes that points are configured for are told too: other names may lead to them. */
export async function discoverOpcUa(
  options: OpcUaOptions,
  _points: Points,
  context: ProbeContext,
  tell: (found: Discovery) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const found of await browseServer(options, context, signal)) tell(found);
}
