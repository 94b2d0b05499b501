import { expect, it } from "vitest";

import { renderMetrics } from "./metrics.ts";
import { exampleStatus } from "./testing/example-status.ts";

const nowMs = Date.UTC(2026, 10, 22, 3, 10);

async function linesOf(calm: boolean, alive = true): Promise<string[]> {
  return (await renderMetrics(exampleStatus(nowMs, calm), alive)).text.split("\n");
}

it("states values with their points and units, counters with _total", async () => {
  const lines = await linesOf(false);
  expect(lines).toContain('frostlight_point_value{point="c3a",zone="cold-3",quantity="temperature",unit="Cel"} -10.9');
  expect(lines).toContain('frostlight_source_refused_total{source="sensors",kind="mqtt"} 3');
  expect(lines).toContain("frostlight_journal_unreleased_batches 214");
  expect(lines).toContain('frostlight_alarms_open{priority="critical"} 1');
  expect(lines).toContain("frostlight_alarms_unacknowledged 2");
  expect(lines).toContain("frostlight_uplink_connected 0");
  expect(lines).toContain("frostlight_main_loop_alive 1");
});

it("says how the buffer, the sources' states, discovery, certificates and the clock stand", async () => {
  const lines = await linesOf(false);
  expect(lines).toContain('frostlight_source_state{source="plant",kind="opcua",state="offline"} 1');
  expect(lines).toContain('frostlight_source_state{source="plant",kind="opcua",state="ok"} 0');
  expect(lines).toContain('frostlight_source_discovered{source="sensors",kind="mqtt"} 2');
  expect(lines).toContain("frostlight_certificates_waiting 1");
  expect(lines).toContain("frostlight_clock_synchronised 0");
  for (const name of ["journal_room_seconds", "journal_written_bytes_per_reading", "journal_limit_bytes"]) {
    expect(lines.find((line) => line.startsWith(`frostlight_${name} `))).toMatch(/ \d/);
  }
});

it("says how many frames each camera's network looked at, why it did not look at others, and how busy it is", async () => {
  const lines = await linesOf(false);
  expect(lines).toContain('frostlight_camera_looks_total{camera="prep-cam"} 1601');
  expect(lines).toContain('frostlight_camera_frames_skipped_total{camera="prep-cam",reason="limited"} 3');
  expect(lines).toContain("frostlight_inference_load_ratio 0.12");
  expect(lines).toContain("frostlight_machine_temperature_celsius 58.2");
});

it("counts an alarm that was put aside as neither seen nor unseen", async () => {
  const status = exampleStatus(nowMs, false);
  const alarms = status.alarms.map((alarm) => ({ ...alarm, state: "shelved" as const }));
  const lines = (await renderMetrics({ ...status, alarms }, true)).text.split("\n");
  expect(lines).toContain("frostlight_alarms_unacknowledged 0");
  expect(lines).toContain('frostlight_alarms_aside{state="shelved"} 3');
});

it("never gives a number for what is unknown", async () => {
  const lines = await linesOf(false);
  for (const pointId of ["h1", "h2", "h3"]) {
    expect(lines.filter((line) => line.startsWith(`frostlight_point_value{point="${pointId}"`))).toEqual([]);
    expect(lines).toContain(`frostlight_point_known{point="${pointId}",zone="hot"} 0`);
  }
});

it("names every metric with the prefix, in base units", async () => {
  const names = (await linesOf(false))
    .filter((line) => line.startsWith("# TYPE "))
    .map((line) => line.split(" ")[2] ?? "");
  expect(names.filter((name) => !/^frostlight_[a-z_]+$/.test(name) || /_(ms|kb|mb|minutes)(_|$)/.test(name))).toEqual(
    [],
  );
  expect(names.length).toBeGreaterThan(25);
});

it("shows a main loop that stands still", async () => {
  expect(await linesOf(true, false)).toContain("frostlight_main_loop_alive 0");
});
