import { access } from "node:fs/promises";
import { createServer } from "node:net";

import { describeError, errorCode } from "@frostlight/kernel";

import type { CheckFinding, PointBinding, ProbeContext } from "../core/source.ts";
import { BrokerAccess } from "./broker-access.ts";
import type { BrokerOptions } from "./broker-options.ts";
import type { MqttAddress } from "./mqtt-address.ts";

/** Ports that can be listened on, files and secrets that can be read. Of a running gateway: what it says itself. */
export async function checkBroker(
  options: BrokerOptions,
  _points: readonly PointBinding<MqttAddress>[],
  { running, environment }: Pick<ProbeContext, "running" | "environment">,
): Promise<readonly CheckFinding[]> {
  const findings: CheckFinding[] = [];
  const { tls } = options;
  const places = [
    ...(options.port === null ? [] : [{ host: options.host, port: options.port }]),
    ...(tls === undefined ? [] : [tls]),
  ];
  if (running === undefined) {
    for (const { host, port } of places) findings.push(await checkPort(host, port));
  } else {
    const what = places.map(({ host, port }) => `${host}:${port}`).join(", ");
    findings.push({ what, isOk: running.state === "ok", message: `the running gateway: ${running.message}` });
  }
  for (const file of tls === undefined ? [] : [tls.certFile, tls.keyFile, tls.clientCaFile]) {
    if (file !== undefined) findings.push(await checkFile(file));
  }
  try {
    const { letsSomebodyIn } = await BrokerAccess.load(options, environment);
    const message = letsSomebodyIn
      ? "somebody may connect"
      : "nobody may connect; expected users, certificates or anonymous";
    findings.push({ what: "users", isOk: letsSomebodyIn, message });
  } catch (error) {
    findings.push({ what: "users", isOk: false, message: describeError(error) });
  }
  return findings;
}

/** Listens for a moment. */
async function checkPort(host: string, port: number): Promise<CheckFinding> {
  const what = `${host}:${port}`;
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return { what, isOk: true, message: "is free to listen on" };
  } catch (error) {
    const taken = errorCode(error) === "EADDRINUSE" ? "another process listens there" : describeError(error);
    return { what, isOk: false, message: `${taken}; expected an address of this machine and a free port` };
  }
}

async function checkFile(file: string): Promise<CheckFinding> {
  try {
    await access(file);
    return { what: file, isOk: true, message: "is there" };
  } catch (error) {
    return { what: file, isOk: false, message: `cannot be read: ${describeError(error)}` };
  }
}
