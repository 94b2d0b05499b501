/**
 * The load of the road benchmark, in a process of its own: MQTT clients that publish plain numbers at QoS 1 as fast as
 * their PUBACKs come, each with a bounded number in flight. Waits for a line on stdin between rounds.
 *
 *   node tests/bench/publishers.ts --url mqtt://127.0.0.1:1883 --clients 50 --inflight 20
 *   stdin: {"readings":20000}  →  stdout: {"published":20000,"startMs":…,"endMs":…}
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import mqtt from "mqtt";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    clients: { type: "string", default: "50" },
    inflight: { type: "string", default: "20" },
  },
});
if (values.url === undefined) throw new Error("--url is missing");
const url = values.url;
const clientCount = Number(values.clients);
const inflight = Number(values.inflight);

const clients = await Promise.all(
  Array.from({ length: clientCount }, (_, index) =>
    mqtt.connectAsync(url, { clientId: `bench-${index}`, clean: true, reconnectPeriod: 0, keepalive: 60 }),
  ),
);
let counter = 0;
process.stdout.write(`${JSON.stringify({ ready: true, clients: clients.length })}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const { readings } = JSON.parse(line) as { readings: number }; // our own benchmark writes these
  const perClient = Math.floor(readings / clientCount);
  const startMs = Date.now();
  await Promise.all(clients.map((client, index) => publish(client, `bench/${index}`, perClient)));
  process.stdout.write(`${JSON.stringify({ published: perClient * clientCount, startMs, endMs: Date.now() })}\n`);
}
for (const client of clients) client.end(true);

async function publish(client: mqtt.MqttClient, topic: string, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      counter += 1;
      await client.publishAsync(topic, (-20 + (counter % 100_000) / 10_000).toFixed(4), { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: inflight }, worker));
}
