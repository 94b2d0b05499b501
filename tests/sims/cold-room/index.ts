export * from "./failures.ts";
export { storedHeat } from "./physics.ts";
export type { RoomParameters } from "./parameters.ts";
export { type PresetName, presets } from "./presets.ts";
export { airProbe, Probe, type ProbeParameters, type ProbeReading, round } from "./probe.ts";
export { ColdRoom, type RoomSnapshot } from "./room.ts";
export { simulateYear } from "./year.ts";
