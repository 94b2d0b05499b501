import { type CancelTimer, describeError, errorCode } from "@frostlight/kernel";
import type { OPCUACertificateManager } from "node-opcua-certificate-manager";
import type { OPCUAServer } from "node-opcua-server";

import { defineView, type View, type ViewContext, type ViewState, type ViewStatus } from "../core/view.ts";
import { OpcUaAlarms } from "./opcua-alarms.ts";
import { openDoor, readUsers } from "./opcua-door.ts";
import { loadOpcUaServer, type OpcUaLibrary } from "./opcua-library.ts";
import { type OpcUaServerOptions, opcuaServerOptions } from "./opcua-server-options.ts";
import { OpcUaSpace } from "./opcua-space.ts";

const updateMs = 1_000;
const retryMs = 30_000;

/** The gateway as an OPC UA server: rooms, points, alarms and conditions, for panels and building control. */
class OpcUaServerView implements View {
  readonly name: string;
  readonly #options: OpcUaServerOptions;
  readonly #context: ViewContext;
  readonly #stopping = new AbortController();
  #state: ViewState = { state: "starting", code: "starting", message: "" };
  #running: Promise<void> = Promise.resolve();
  #alarms: OpcUaAlarms | undefined;
  #connects = 0;
  #values = 0;

  constructor(options: OpcUaServerOptions, context: ViewContext) {
    this.name = `view ${context.viewId}`;
    this.#options = options;
    this.#context = context;
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("stopped"));
    await this.#running;
    this.#state = { state: "offline", code: "stopped", message: "stopped" };
  }

  status(): ViewStatus {
    return {
      ...this.#state,
      viewId: this.#context.viewId,
      kind: opcuaServer.kind,
      connects: this.#connects,
      messages: 0,
      values: this.#values,
      lateValues: 0,
      refusedCommands: this.#alarms?.refused ?? 0,
      waitingBatches: 0,
      skippedBatches: 0,
    };
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#serve(signal);
      } catch (error) {
        if (signal.aborted) return;
        const code = errorCode(error) === "config/secret-missing" ? "secret-missing" : "listen-failed";
        this.#state = { state: "offline", code, message: describeError(error) };
        logger.error("view-state", { view: this.#context.viewId, ...this.#state });
      }
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  /** Serves until the signal aborts. Rejects when it cannot listen. */
  async #serve(signal: AbortSignal): Promise<void> {
    const context = this.#context;
    const library = await loadOpcUaServer(context.logger);
    const certificates = await openDoor(context, library);
    let server: OPCUAServer | undefined;
    const ends: CancelTimer[] = [];
    try {
      server = await this.#open(library, certificates);
      if (signal.aborted) return;
      const space = server.engine.addressSpace;
      if (space === null) throw new Error("the OPC UA server has no address space");
      space.installAlarmsAndConditionsService();
      const rooms = new OpcUaSpace(space, context, library);
      const alarms = new OpcUaAlarms(space, { space: rooms, context, options: this.#options, library });
      this.#alarms = alarms;
      const update = (): void => {
        this.#values += rooms.update();
      };
      this.#values += alarms.update([]);
      update();
      ends.push(
        context.onAlarms((events) => {
          this.#values += alarms.update(events);
        }),
        context.clock.every(updateMs, update),
      );
      await server.start();
      server.on("session_activated", () => {
        this.#connects += 1;
      });
      const message = server.getEndpointUrl();
      this.#state = { state: "online", code: "listening", message };
      context.logger.info("view-state", { view: context.viewId, ...this.#state });
      await aborted(signal);
    } finally {
      for (const end of ends) end();
      await server?.shutdown(0);
      await certificates.dispose();
    }
  }

  async #open(library: OpcUaLibrary, certificates: OPCUACertificateManager): Promise<OPCUAServer> {
    const { OPCUAServer: Server, MessageSecurityMode, SecurityPolicy } = library;
    const { host, port, hostNames, policies, anonymous, maxSessions } = this.#options;
    const server = new Server({
      port,
      ...(host === undefined ? {} : { host, hostname: host }),
      alternateHostname: [...hostNames],
      resourcePath: "/frostlight",
      serverInfo: {
        applicationUri: `urn:frostlight:gateway:${this.#context.gatewayId}`,
        productUri: "urn:frostlight:gateway",
        applicationName: { text: "Frostlight" },
      },
      buildInfo: {
        productName: "Frostlight gateway",
        manufacturerName: "Frostlight",
        softwareVersion: this.#context.softwareVersion,
      },
      serverCertificateManager: certificates,
      userCertificateManager: certificates,
      securityModes: [MessageSecurityMode.SignAndEncrypt],
      securityPolicies: policies.map((name) => SecurityPolicy[name]),
      allowAnonymous: anonymous,
      userManager: await readUsers(this.#options, this.#context),
      maxConnectionsPerEndpoint: maxSessions,
      serverCapabilities: { maxSessions },
    });
    await server.initialize();
    return server;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

export const opcuaServer = defineView({
  kind: "opcua-server",
  shows: "present",
  listens: true,
  options: opcuaServerOptions,
  example: { host: "127.0.0.1", port: 48_410, anonymous: true },
  open: (options, context) => new OpcUaServerView(options, context),
});
