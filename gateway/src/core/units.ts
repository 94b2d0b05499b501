/** Units a source may report, as UCUM codes. `Cel`, `[degF]` and `K` are converted into each other, `W` and `kW` too; others only match. */
export const units = ["Cel", "[degF]", "K", "%", "1", "W", "kW", "V"] as const;
export type Unit = (typeof units)[number];
