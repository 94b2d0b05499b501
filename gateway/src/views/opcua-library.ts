import type { Logger } from "@frostlight/kernel";
import type * as client from "node-opcua-client";
import type * as server from "node-opcua-server";

/** What is used of the library. It costs some 100 MB: loaded only when such a view starts. */
export type OpcUaLibrary = Pick<
  typeof client,
  "DataType" | "LocalizedText" | "MessageSecurityMode" | "NodeId" | "SecurityPolicy" | "StatusCodes"
> &
  Pick<typeof server, "OPCUAServer">;

export async function loadOpcUaServer(logger: Logger): Promise<OpcUaLibrary> {
  const [basics, { OPCUAServer }] = await Promise.all([import("node-opcua-client"), import("node-opcua-server")]);
  const tell =
    (event: string) =>
    (...parts: readonly unknown[]): void => {
      logger.debug(event, { text: parts.map(String).join(" ").slice(0, 2_000) });
    };
  // It writes warnings to the console otherwise.
  basics.setDebugLogger(tell("opcua-library"));
  basics.setWarningLogger(tell("opcua-library-warning"));
  basics.setErrorLogger(tell("opcua-library-error"));
  const { DataType, LocalizedText, MessageSecurityMode, NodeId, SecurityPolicy, StatusCodes } = basics;
  return { DataType, LocalizedText, MessageSecurityMode, NodeId, SecurityPolicy, StatusCodes, OPCUAServer };
}
