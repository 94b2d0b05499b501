/**
 * Writes labelled, simulated recordings in the form that `alarms:evaluate` reads: every kind of room, one file per seed.
 *
 *   npm run -s alarms:simulate -- --out FOLDER [--days 365] [--seeds 1] [--seed 1] [--rooms frozen-store,dock]
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { seededRandom } from "@frostlight/kernel/testing";

import { airProbe, presets, type PresetName, simulateYear } from "../../sims/cold-room/index.ts";
import { classOf } from "./recording.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    days: { type: "string", default: "365" },
    seeds: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    rooms: { type: "string", default: Object.keys(presets).join(",") },
  },
});
const startMs = Date.UTC(2025, 0, 1);
const intervalMs = 60_000;
/** When a limit is "high" by STANDARDS: so long in a row, or so long within 24 h. */
const feltAfterMs = 30 * 60_000;
const feltInDayMs = 60 * 60_000;

if (values.out === undefined) {
  process.stderr.write("usage: alarms:simulate -- --out FOLDER [--days N] [--seeds N] [--seed S] [--rooms a,b]\n");
  process.exitCode = 2;
} else {
  const folder = resolve(values.out);
  await mkdir(folder, { recursive: true });
  const points = ["name,evaluate,low_celsius,high_celsius,note"];
  const rooms = values.rooms.split(",").map(presetOf);
  for (const room of rooms) {
    for (let index = 0; index < Number(values.seeds); index += 1) {
      const seed = Number(values.seed) + index;
      const name = `sim_${room.replaceAll("-", "_")}_${seed}`;
      if (process.stderr.isTTY) process.stderr.write(`\r${name}\u001b[K`);
      await writeYear(folder, name, room, seed);
      const { lowCelsius, highCelsius } = presets[room].limits;
      points.push(`${name},yes,${lowCelsius ?? ""},${highCelsius},simulated from seed ${seed}`);
    }
  }
  if (process.stderr.isTTY) process.stderr.write("\n");
  await writeFile(join(folder, "points.csv"), `${points.join("\n")}\n`);
}

function presetOf(name: string): PresetName {
  for (const known of Object.keys(presets)) if (known === name) return name as PresetName; // one of the keys of `presets`
  throw new Error(`no room "${name}", expected some of: ${Object.keys(presets).join(", ")}`);
}

async function writeYear(folder: string, name: string, room: PresetName, seed: number): Promise<void> {
  const days = Number(values.days);
  const { readings, truth } = simulateYear({
    parameters: presets[room],
    probe: airProbe,
    random: seededRandom(seed * 1_000 + room.length),
    startMs,
    days,
    intervalMs,
    roomFailures: Math.max(1, Math.round((days / 365) * 12)),
    probeFaults: Math.max(1, Math.round((days / 365) * 6)),
  });
  const arrived = readings
    .flatMap(({ timeMs, celsius, arrivalMs }) => (arrivalMs === null ? [] : [{ timeMs, celsius, arrivalMs }]))
    .toSorted((a, b) => a.arrivalMs - b.arrivalMs || a.timeMs - b.timeMs);
  const lines = arrived.map(({ timeMs, celsius, arrivalMs }) => {
    const late = arrivalMs - timeMs > intervalMs ? new Date(arrivalMs).toISOString() : "";
    return `${new Date(timeMs).toISOString()},${celsius},${late}`;
  });
  await writeFile(join(folder, `${name}.csv`), `timestamp_utc,celsius,arrived_utc\n${lines.join("\n")}\n`);
  const events = truth.map((event) => {
    const { kind, cause, startMs: fromMs, endMs, peakCelsius, longestOutsideMs, mostOutsideInDayMs } = event;
    // A failure that was repaired before the air had been out of its limits for long asks for no alarm, nor forbids one.
    const isFailure = classOf(kind) === "temperature";
    const isFelt = !isFailure || longestOutsideMs >= feltAfterMs || mostOutsideInDayMs >= feltInDayMs;
    const range = `${new Date(fromMs).toISOString()},${new Date(endMs).toISOString()}`;
    return `${range},${isFelt ? kind : "regime"},high,${peakCelsius.toFixed(1)},${cause}`;
  });
  const head = "start_utc,end_utc,kind,confidence,peak_celsius,note";
  await writeFile(join(folder, `${name}.events.csv`), `${[head, ...events].join("\n")}\n`);
}
