import { DatabaseSync } from "node:sqlite";

import mqtt from "mqtt";

/**
 * Measures the whole road: from handing a reading to MQTT until another process can read it in the server's database file,
 * that is after the server's commit. One reading at a time; looked for every 2 ms.
 */
export async function measureLatency(options: {
  readonly url: string;
  readonly topic: string;
  readonly pointId: string;
  readonly databaseFile: string;
  readonly count: number;
  readonly pauseMs: number;
  readonly nextValue: () => number;
  readonly onSent: (value: number, sentMs: number, acknowledgedMs: number) => void;
}): Promise<readonly number[]> {
  const client = await mqtt.connectAsync(options.url, { clientId: "smoke-latency", clean: true, reconnectPeriod: 0 });
  const database = new DatabaseSync(options.databaseFile, { readOnly: true });
  const latencies: number[] = [];
  try {
    const find = database.prepare(
      "SELECT 1 FROM samples JOIN points ON points.id = samples.point WHERE points.point = ? AND time >= ? AND value = ?",
    );
    for (let n = 0; n < options.count; n += 1) {
      const value = options.nextValue();
      const sentMs = Date.now();
      const startMs = performance.now();
      let acknowledgedMs = 0;
      const acknowledged = client
        .publishAsync(options.topic, String(value), { qos: 1 })
        .then(() => void (acknowledgedMs = Date.now()));
      while (find.get(options.pointId, sentMs - 5, value) === undefined) {
        if (performance.now() - startMs > 10_000) throw new Error(`reading ${value} is not in the store after 10 s`);
        await new Promise((resolve) => void setTimeout(resolve, 2));
      }
      latencies.push(performance.now() - startMs);
      await acknowledged;
      options.onSent(value, sentMs, acknowledgedMs);
      await new Promise((resolve) => void setTimeout(resolve, options.pauseMs));
    }
  } finally {
    database.close();
    client.end(true);
  }
  return latencies;
}

/** Nearest-rank percentile. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
