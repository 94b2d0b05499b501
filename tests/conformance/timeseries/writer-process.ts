// Writes batch after batch into an SQLite store and prints each sequence once it is acknowledged, until it is killed.
import { batchOf, openStore, sampleOf, startMs } from "./harness.ts";

const store = openStore("sqlite", {}, process.argv[2] ?? "");
await store.start();
for (let sequence = 1; ; sequence += 1) {
  const samples = Array.from({ length: 50 }, (_, index) =>
    sampleOf({ timeMs: startMs + sequence, value: sequence + index / 100 }),
  );
  await store.write([batchOf(samples, { sequence })]);
  process.stdout.write(`${sequence}\n`);
}
