import { readFile } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { connect as connectTls } from "node:tls";

import { describeError } from "@frostlight/kernel";

import { readEnrolment, serverAddress } from "./enrolment.ts";
import { exchangeHttp } from "./http-exchange.ts";
import type { UplinkOptions } from "./options.ts";

interface Finding {
  readonly what: string;
  readonly isOk: boolean;
  readonly message: string;
}

const timeoutMs = 10_000;
const defaultPorts: Readonly<Record<string, number>> = { "mqtt:": 1_883, "mqtts:": 8_883, "ws:": 80, "wss:": 443 };

/**
 * Whether the server answers, and whether its broker's port does. Signs in nowhere: the gateway's session there is not
 * touched. Reads the enrolment in `folder` and changes nothing.
 */
export async function checkServer(parts: {
  readonly serverUrl: string;
  readonly options: UplinkOptions;
  /** The identity's folder. */
  readonly folder: string;
  readonly hasToken: boolean;
  readonly signal: AbortSignal;
}): Promise<readonly Finding[]> {
  const { serverUrl, options, signal } = parts;
  let ca: string | undefined;
  try {
    if (options.caFile !== undefined) ca = await readFile(options.caFile, "utf8");
  } catch (error) {
    return [{ what: options.caFile ?? "", isOk: false, message: `cannot be read: ${describeError(error)}` }];
  }
  const findings = [await checkHttp(serverUrl, ca, signal)];
  const enrolment = await readEnrolment(parts.folder).catch(() => undefined);
  const configured: unknown = typeof options.transport.options === "object" ? options.transport.options : {};
  const own: unknown = Reflect.get(Object(configured), "url");
  const mqttUrl = typeof own === "string" ? own : enrolment?.mqttUrl;
  if (options.transport.kind !== "https" && mqttUrl !== undefined) findings.push(await checkPort(mqttUrl, ca, signal));
  const isEnrolled = enrolment !== undefined;
  const message = isEnrolled
    ? `joined as ${enrolment.gatewayId}, site ${enrolment.siteId}`
    : parts.hasToken
      ? "not joined yet; the one-time token is there"
      : "not joined yet; expected uplink.enrolmentToken, a one-time token from the server";
  findings.push({ what: "enrolment", isOk: isEnrolled || parts.hasToken, message });
  return findings;
}

async function checkHttp(serverUrl: string, ca: string | undefined, signal: AbortSignal): Promise<Finding> {
  const expected = "expected a Frostlight server there";
  try {
    const url = serverAddress(serverUrl, "/healthz");
    const request = {
      method: "GET",
      url,
      headers: {},
      body: new Uint8Array(),
      ca,
      idleTimeoutMs: timeoutMs,
      signal,
    } as const;
    const { status } = await exchangeHttp(request);
    const isOk = status === 200;
    return { what: serverUrl, isOk, message: isOk ? "answers" : `answers with status ${status}; ${expected}` };
  } catch (error) {
    return { what: serverUrl, isOk: false, message: `${describeError(error)}; ${expected}` };
  }
}

/** Opens the connection and, where it is secured, the TLS session; sends nothing. */
async function checkPort(mqttUrl: string, ca: string | undefined, signal: AbortSignal): Promise<Finding> {
  const { protocol, hostname, port } = new URL(mqttUrl);
  const host = hostname.replace(/^\[|\]$/g, "");
  const target = { host, port: port === "" ? (defaultPorts[protocol] ?? 1_883) : Number(port) };
  const isSecure = protocol === "mqtts:" || protocol === "wss:";
  const socket = isSecure
    ? connectTls({ ...target, servername: host, ...(ca === undefined ? {} : { ca }) })
    : connectSocket(target);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(timeoutMs, () => {
        reject(new Error(`no answer within ${timeoutMs / 1_000} s`));
      });
      socket.once(isSecure ? "secureConnect" : "connect", resolve);
      socket.once("error", reject);
      const stop = (): void => {
        reject(new Error("no answer in time"));
      };
      signal.addEventListener("abort", stop, { once: true });
    });
    return { what: mqttUrl, isOk: true, message: `the port answers${isSecure ? ", its certificate is trusted" : ""}` };
  } catch (error) {
    return { what: mqttUrl, isOk: false, message: `${describeError(error)}; expected the server's MQTT broker` };
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}
