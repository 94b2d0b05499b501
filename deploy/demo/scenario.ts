import type { Scenario } from "../../tests/sims/scenario.ts";

/** Model seconds per wall second: a day passes in 24 minutes, so curves move while one looks. */
export const demoSpeed = 60;

/** What happens in the first minutes, in wall seconds after the rooms start; shown to the newcomer. */
export const demoTimeline = {
  defrostAt: 20,
  doorLeftOpenAt: 40,
  doorShutAt: 54,
  fridgeLeftOpenAt: 240,
  fridgeShutAt: 265,
  unusualObjectAt: 75,
  unusualObjectFor: 40,
  /** Everything repeats with this period. */
  every: 600,
} as const;

/** 09:00 on a July day in Shanghai: warm outside, people at work. */
const modelStartMs = Date.UTC(2026, 6, 15, 1);
const sampleMs = 2000;

/** The rooms, sensors and controllers of the demonstration. */
export function demoScenario(startMs: number): Scenario {
  const { defrostAt, doorLeftOpenAt, doorShutAt, fridgeLeftOpenAt, fridgeShutAt, every } = demoTimeline;
  const after = (wallSeconds: number): { afterSeconds: number; everySeconds: number } => ({
    afterSeconds: wallSeconds * demoSpeed,
    everySeconds: every * demoSpeed,
  });
  const calm = { traffic: true, warmUpHours: 15, failures: [], defrosts: [] };
  return {
    startMs,
    speed: demoSpeed,
    modelStartMs,
    rooms: [
      {
        ...calm,
        id: "frozen-1",
        preset: "frozen-store",
        seed: 11,
        traffic: false,
        failures: [
          { kind: "door-left-open", forSeconds: (doorShutAt - doorLeftOpenAt) * demoSpeed, ...after(doorLeftOpenAt) },
        ],
      },
      {
        ...calm,
        id: "frozen-2",
        preset: "frozen-store",
        seed: 12,
        traffic: false,
        defrosts: [after(defrostAt)],
      },
      { ...calm, id: "chilled-1", preset: "chilled-store", seed: 13 },
      {
        ...calm,
        id: "fridge",
        preset: "canteen-fridge",
        seed: 14,
        traffic: false,
        failures: [
          {
            kind: "door-left-open",
            forSeconds: (fridgeShutAt - fridgeLeftOpenAt) * demoSpeed,
            ...after(fridgeLeftOpenAt),
          },
        ],
      },
      { ...calm, id: "prep-room", preset: "prep-room", seed: 15 },
      { ...calm, id: "dock", preset: "dock", seed: 16 },
    ],
    sensors: [
      sensor("frozen-1-front", "frozen-1", "zigbee2mqtt", "zigbee2mqtt/frozen-1-front"),
      sensor("frozen-1-door", "frozen-1", "zigbee2mqtt-contact", "zigbee2mqtt/frozen-1-door"),
      sensor("frozen-2-probe", "frozen-2", "tasmota", "tele/frozen-2/SENSOR"),
      sensor("chilled-1-probe", "chilled-1", "chirpstack-v4", "application/cold/device/6368696c6c656431/event/up"),
      sensor("fridge-probe", "fridge", "plain", "fridge/sensor/temperature/state"),
      sensor("prep-room-probe", "prep-room", "json", "sites/prep-room/climate"),
      sensor("dock-probe", "dock", "the-things-stack", "v3/cold-rooms@ttn/devices/dock/up"),
    ],
    plc: {
      intervalMs: sampleMs,
      nodes: [
        { name: "frozen-1.air", room: "frozen-1", measure: "air" },
        { name: "frozen-1.coil", room: "frozen-1", measure: "coil" },
        { name: "frozen-1.compressor", room: "frozen-1", measure: "compressor" },
        { name: "frozen-2.air", room: "frozen-2", measure: "air" },
        { name: "frozen-2.coil", room: "frozen-2", measure: "coil" },
        { name: "frozen-2.defrost", room: "frozen-2", measure: "defrost" },
      ],
    },
  };
}

type Sensor = Scenario["sensors"][number];

function sensor(id: string, room: string, dialect: Sensor["dialect"], topic: string): Sensor {
  return { id, room, dialect, topic, intervalMs: sampleMs };
}
