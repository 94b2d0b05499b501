/**
 * The MQTT sensors of a scenario: one client per device, each in its own dialect, values from the rooms' physics.
 *
 *   node tests/sims/mqtt-sensors.ts --scenario FILE --url mqtt://127.0.0.1:1883 [--user NAME --password-file FILE] [--speed N]
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import { seededRandom } from "@frostlight/kernel/testing";

import { airProbe, Probe } from "./cold-room/index.ts";
import { encodeMessage } from "./dialects.ts";
import { MqttDevice } from "./mqtt-device.ts";
import { readScenario, type Scenario, World } from "./scenario.ts";
import { runSimulator } from "./sim-process.ts";

interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** Starts a device; returns how to stop it. */
function startDevice(
  sensor: Scenario["sensors"][number],
  index: number,
  context: {
    readonly scenario: Scenario;
    readonly world: World;
    readonly url: string;
    readonly credentials: Credentials;
  },
): { stop(): Promise<void> } {
  const { scenario, world } = context;
  const device = new MqttDevice({ url: context.url, clientId: sensor.id, ...context.credentials });
  // The probe feels model time, so its lag is a real probe's.
  const probe = new Probe(airProbe, seededRandom(1000 + index));
  let counter = Math.round(scenario.startMs / 1000) % 100_000;
  const sample = (): void => {
    const timeMs = Date.now();
    const room = world.at(sensor.room, timeMs);
    const { airCelsius, coilCelsius } = room.thermal;
    const { celsius } = probe.read(room.timeMs, airCelsius, coilCelsius);
    counter += 1;
    const humidityPercent = room.relativeHumidityPercent;
    const measured = { device: sensor.id, timeMs, counter, celsius, humidityPercent, doorOpen: room.doorOpen };
    device.send(sensor.topic, encodeMessage(sensor.dialect, measured));
  };
  // Devices do not speak in step.
  const first = setTimeout(sample, (index * 137) % sensor.intervalMs);
  const timer = setInterval(sample, sensor.intervalMs);
  return {
    stop: async () => {
      clearTimeout(first);
      clearInterval(timer);
      await device.stop();
    },
  };
}

runSimulator(async () => {
  const { values } = parseArgs({
    options: {
      scenario: { type: "string" },
      url: { type: "string" },
      user: { type: "string" },
      "password-file": { type: "string" },
      speed: { type: "string" },
    },
  });
  if (values.scenario === undefined || values.url === undefined) {
    throw new Error("usage: mqtt-sensors.ts --scenario FILE --url URL [--user NAME --password-file FILE] [--speed N]");
  }
  const read = await readScenario(values.scenario);
  const scenario = values.speed === undefined ? read : { ...read, speed: Number(values.speed) };
  const passwordFile = values["password-file"];
  const credentials = {
    ...(values.user === undefined ? {} : { username: values.user }),
    ...(passwordFile === undefined ? {} : { password: (await readFile(passwordFile, "utf8")).trim() }),
  };
  const world = new World(
    scenario,
    scenario.sensors.map((sensor) => sensor.room),
  );
  const context = { scenario, world, url: values.url, credentials };
  const devices = scenario.sensors.map((sensor, index) => startDevice(sensor, index, context));
  return {
    ready: { sensors: devices.length },
    stop: async () => {
      await Promise.all(devices.map((device) => device.stop()));
    },
  };
});
