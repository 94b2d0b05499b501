import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { DeviceAuthority } from "../../security/device-certificates.ts";
import { until } from "../sources/harness.ts";
import { isInstalled, Mosquitto } from "../sources/mosquitto.ts";
import { Host, ViewRig } from "./rig.ts";

const hasMosquitto = isInstalled("mosquitto");

describe.skipIf(!hasMosquitto && process.env["CI"] !== "true")("how the Sparkplug B view gets in", () => {
  let rig: ViewRig;

  beforeEach(async () => {
    rig = await ViewRig.create();
  });

  afterEach(async () => {
    await rig.remove();
  });

  it("shows its own certificate over TLS, trusts only the authority it was given, and uses no bdSeq up on a stranger", async () => {
    const authority = new DeviceAuthority(rig.stateFolder);
    const [server, device] = [authority.issue("localhost"), authority.issue("frostlight-1")];
    const broker = await Mosquitto.create([
      `cafile ${authority.caFile}`,
      `certfile ${server.certFile}`,
      `keyfile ${server.keyFile}`,
      "require_certificate true",
      "use_identity_as_username true",
      "allow_anonymous false",
    ]);
    const servers = [`mqtts://127.0.0.1:${broker.port}`];
    const stranger = new DeviceAuthority(rig.stateFolder, "stranger");
    const distrustful = await rig.start({ servers, caFile: stranger.caFile, ...device });
    await until("it does not trust that server", () => distrustful.status().code === "connect-failed");
    await distrustful.stop();
    const known = await rig.start({ servers, caFile: authority.caFile, ...device });
    await until("it is born", () => known.status().state === "online");
    expect(known.status().message).toContain("bdSeq 0");
    await known.stop();
    const nameless = await rig.start({ servers, caFile: authority.caFile });
    await until("it is not let in without its certificate", () => nameless.status().code === "connect-failed");
    await nameless.stop();
    await broker.remove();
  });

  it("takes user name and password from where they lie, anew for each connection, and never shows them", async () => {
    const host = await Host.connect(rig.broker.port);
    const file = join(rig.stateFolder, "password");
    await writeFile(file, "first secret\n");
    const view = await rig.start({ username: "frostlight", password: { file } });
    await host.waitFor("NBIRTH");
    await writeFile(file, "second secret\n");
    rig.tap.cut();
    await host.waitFor("NBIRTH", 2);
    const connects = rig.tap.packets
      .filter(({ type }) => type === "CONNECT")
      .map(({ body }) => body.toString("latin1"));
    expect(connects[0]).toContain("frostlight");
    expect(connects[0]).toContain("first secret");
    expect(connects[1]).toContain("second secret");
    expect(JSON.stringify(view.status())).not.toContain("secret");
    await host.end();
  });

  it("says what is missing when a secret is not there, and goes on trying", async () => {
    const host = await Host.connect(rig.broker.port);
    const view = await rig.start({ username: "frostlight", password: { env: "SCADA_PASSWORD" } });
    await until("it says so", () => view.status().message.includes("SCADA_PASSWORD is not set"));
    expect(rig.tap.connections).toBe(0);
    await view.stop();
    rig.environment = { SCADA_PASSWORD: "secret" };
    await rig.start({ username: "frostlight", password: { env: "SCADA_PASSWORD" } });
    await host.waitFor("NBIRTH");
    await host.end();
  });

  it.each([
    ["a client certificate without its key", { certFile: "/x" }],
    ["TLS files for a server without TLS", { caFile: "/x" }],
    ["no server", { servers: [] }],
    ["a WebSocket", { servers: ["ws://127.0.0.1/"] }],
  ])("refuses %s", async (_, wrong) => {
    await expect(rig.start(wrong)).rejects.toThrow("expected");
  });
});
