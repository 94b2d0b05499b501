import {
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";

/** Calm until it matters: grey and blue for what is normal, colour only for what is not. */
export const colours = {
  calm: "#6e7f8d",
  value: "#3274d9",
  limit: "#e0a100",
  critical: "#c4162a",
  good: "#6e9a8d",
  uncertain: "#e0a100",
  bad: "#c4162a",
  unknown: "#9aa0a6",
} as const;

/** Chinese first, then English. */
export function bilingual(zh: string, en: string): string {
  return `${zh} · ${en}`;
}

export function steps(base: string, ...further: readonly (readonly [number, string])[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: base }, ...further.map(([value, color]) => ({ value, color }))]);
}

export function byThresholds(): FieldColorBuilder {
  return new FieldColorBuilder().mode(FieldColorModeId.Thresholds);
}

export function fixedColour(colour: string): DynamicConfigValue {
  return { id: "color", value: { mode: "fixed", fixedColor: colour } };
}

/** A limit line: dashed, no fill, not in the way. */
export function limitLine(colour: string): DynamicConfigValue[] {
  return [
    fixedColour(colour),
    { id: "custom.lineStyle", value: { fill: "dash", dash: [8, 6] } },
    { id: "custom.lineWidth", value: 1 },
    { id: "custom.fillOpacity", value: 0 },
    { id: "custom.lineInterpolation", value: "stepAfter" },
    { id: "custom.spanNulls", value: true },
  ];
}
