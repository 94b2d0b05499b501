/**
 * Replays labelled recordings through the production alarm engine, beside plain limits with fixed delays.
 *
 *   npm run -s alarms:evaluate -- --data FOLDER [--pictures FOLDER] [--acting] [--json]
 *
 * A recording that cannot be read is named and left out; the exit code is 1 then.
 * With --acting people report "action done" on each alarm within a labelled failure, as they would at a site.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { describeError } from "@frostlight/kernel/errors";

import { engineAlarms } from "./engine.ts";
import { drawRecording } from "./picture.ts";
import { plainAlarms } from "./plain.ts";
import { type Recording, readRecordings } from "./recording.ts";
import { type Figures, figuresOf, laterThan, type Method, methods, type Tally, tally } from "./score.ts";
import type { AlarmSpan } from "./spans.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    pictures: { type: "string" },
    acting: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const minuteMs = 60_000;
const say = (text: string): void => {
  if (!values.json) process.stdout.write(`${text}\n`);
};

if (values.data === undefined) {
  complain("usage: alarms:evaluate -- --data FOLDER [--pictures FOLDER] [--acting] [--json]", 2);
} else {
  const { recordings, refused } = await readRecordings(resolve(values.data)).catch((error: unknown) => {
    complain(describeError(error), 2);
    process.exit();
  });
  for (const problem of refused) complain(`left out: ${problem}`, 1);
  const pictures = values.pictures ?? (await mkdtemp(join(tmpdir(), "frostlight-alarms-")));
  const tallies = new Map<Method, Tally[]>(methods.map((method) => [method, []]));
  const files = [];
  let laterThanPlain2h = 0;
  for (const [index, recording] of recordings.entries()) {
    if (process.stderr.isTTY) process.stderr.write(`\r${index + 1}/${recordings.length} ${recording.name}\u001b[K`);
    const { alarms: engine, product } = engineAlarms(recording, values.acting);
    const spans = alarmsOf(recording, engine);
    const figures = Object.fromEntries(
      methods.map((method) => {
        const one = tally(recording, spans[method]);
        tallies.get(method)?.push(one);
        return [method, figuresOf([one])];
      }),
    );
    const later = laterThan(tally(recording, spans.engine), tally(recording, spans.plain2h));
    laterThanPlain2h += later;
    const picture = await drawRecording(recording, spans, product, pictures);
    say(`\n${recording.name}`);
    sayTable(figures);
    sayLater(later);
    files.push({ name: recording.name, ...figures, laterThanPlain2h: later, picture });
  }
  if (process.stderr.isTTY) process.stderr.write("\n");
  const total = Object.fromEntries(methods.map((method) => [method, figuresOf(tallies.get(method) ?? [])]));
  say("\nall together");
  sayTable(total);
  sayLater(laterThanPlain2h);
  say(`\npictures: ${pictures}`);
  process.stdout.write(`${JSON.stringify({ files, total, laterThanPlain2h, refused })}\n`);
}

function complain(text: string, exitCode: number): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = exitCode;
}

function alarmsOf(recording: Recording, engine: readonly AlarmSpan[]): Readonly<Record<Method, readonly AlarmSpan[]>> {
  return {
    engine,
    plain: plainAlarms(recording, 0),
    plain30m: plainAlarms(recording, 30 * minuteMs),
    plain2h: plainAlarms(recording, 120 * minuteMs),
  };
}

function sayLater(count: number): void {
  say(`  events the engine told later than plain2h, or not at all: ${count}`);
}

function sayTable(figures: Readonly<Record<string, Figures>>): void {
  say("  method     nuisance/30d   found   median delay   worst delay   probe faults");
  for (const method of methods) {
    const one = figures[method];
    if (one === undefined) continue;
    const minutes = (value: number | null): string => (value === null ? "-" : `${value.toFixed(0)} min`);
    const cells = [
      method.padEnd(9),
      `${one.nuisancePer30Days.toFixed(2)} (${one.nuisances})`.padStart(13),
      `${one.eventsFound}/${one.events}`.padStart(7),
      minutes(one.medianDelayMinutes).padStart(14),
      minutes(one.worstDelayMinutes).padStart(13),
      `${one.probeFaultsFound}/${one.probeFaults}`.padStart(14),
    ];
    say(`  ${cells.join(" ")}`);
  }
}
