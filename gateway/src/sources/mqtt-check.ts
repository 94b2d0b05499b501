import { describeError } from "@frostlight/kernel";
import type { MqttClient } from "mqtt";

import type { Discovery } from "../core/discovery.ts";
import type { CheckFinding, PointBinding, ProbeContext } from "../core/source.ts";
import { filtersOf, type MqttAddress } from "./mqtt-address.ts";
import { mqttCredentials, type MqttOptions } from "./mqtt-options.ts";
import { TopicDiscovery } from "./topic-discovery.ts";
import { matchesFilter } from "./topic-routes.ts";

const connectTimeoutMs = 10_000;

/**
 * Connects once with a name of its own and a session that ends with the connection: that of the gateway, and what waits in
 * it, stays untouched. Rejects with what the broker or the network said.
 */
async function connectOnce(
  options: MqttOptions,
  context: ProbeContext,
  signal: AbortSignal,
): Promise<{ readonly client: MqttClient; readonly problem: Promise<string> }> {
  const { connect } = await import("mqtt");
  const credentials = await mqttCredentials(options, context.environment);
  signal.throwIfAborted();
  const client = connect(options.url, {
    ...credentials,
    protocolVersion: options.version === "5" ? 5 : 4,
    clientId: `frostlight-look-${Buffer.from(context.random.bytes(6)).toString("hex")}`,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: connectTimeoutMs,
    keepalive: options.keepaliveSeconds,
  });
  const broken = Promise.withResolvers<string>();
  let said = "connection closed";
  client.on("error", (error) => {
    said = describeError(error);
  });
  client.once("close", () => {
    broken.resolve(said);
  });
  signal.addEventListener("abort", () => client.end(true), { once: true });
  const connected = new Promise<undefined>((resolve) => {
    client.once("connect", () => {
      resolve(undefined);
    });
  });
  const problem = await Promise.race([connected, broken.promise]);
  if (problem === undefined) return { client, problem: broken.promise };
  client.end(true);
  throw new Error(signal.aborted ? "no answer in time" : problem);
}

/** Which of these the broker refuses to give; `why` when it gave no answer. */
async function refusedOf(
  { client, problem }: { readonly client: MqttClient; readonly problem: Promise<string> },
  filters: readonly string[],
): Promise<{ readonly refused: readonly string[]; readonly why: string }> {
  const granted = new Promise<{ readonly refused: readonly string[]; readonly why: string }>((resolve) => {
    client.subscribe([...filters], { qos: 0 }, (error, grants) => {
      const refused = (grants ?? []).filter(({ qos }) => qos >= 128).map(({ topic }) => topic);
      const isRefusal = error !== null && refused.length === 0;
      resolve({ refused: isRefusal ? filters : refused, why: error === null ? "" : describeError(error) });
    });
  });
  return Promise.race([granted, problem.then((why) => ({ refused: filters, why }))]);
}

export async function checkMqtt(
  options: MqttOptions,
  points: readonly PointBinding<MqttAddress>[],
  context: ProbeContext,
  signal: AbortSignal,
): Promise<readonly CheckFinding[]> {
  let link: Awaited<ReturnType<typeof connectOnce>>;
  try {
    link = await connectOnce(options, context, signal);
  } catch (error) {
    const message = `${describeError(error)}; expected an MQTT ${options.version} broker that lets this user in`;
    return [{ what: options.url, isOk: false, message }];
  }
  const findings: CheckFinding[] = [{ what: options.url, isOk: true, message: "connected and signed in" }];
  const filters = [...new Set(points.flatMap(({ address }) => filtersOf(address)))];
  if (filters.length > 0) {
    const { refused, why } = await refusedOf(link, filters);
    for (const filter of filters) {
      const isOk = !refused.includes(filter);
      const message = isOk ? "may be read" : `the broker refuses the subscription${why === "" ? "" : `: ${why}`}`;
      findings.push({ what: `topic ${filter}`, isOk, message });
    }
  }
  link.client.end(true);
  return findings;
}

/** Listens to everything the broker gives, at QoS 0 and for nobody else, to what no point takes. */
export async function discoverMqtt(
  options: MqttOptions,
  points: readonly PointBinding<MqttAddress>[],
  context: ProbeContext,
  tell: (found: Discovery) => void,
  signal: AbortSignal,
): Promise<void> {
  const link = await connectOnce(options, context, signal);
  const taken = points.flatMap(({ address }) => filtersOf(address));
  const topics = new TopicDiscovery({ clock: context.clock, discover: tell });
  link.client.on("message", (topic, payload, packet) => {
    if (taken.some((filter) => matchesFilter(filter, topic))) return;
    topics.note({ topic, payload, receivedMs: context.clock.nowMs(), retained: packet.retain });
  });
  const { refused, why } = await refusedOf(link, ["#"]);
  if (refused.length > 0 && !signal.aborted) {
    link.client.end(true);
    throw new Error(`${options.url} refuses the subscription to #${why === "" ? "" : `: ${why}`}`);
  }
  await link.problem;
  if (!signal.aborted) throw new Error(`${options.url}: ${await link.problem}`);
}
