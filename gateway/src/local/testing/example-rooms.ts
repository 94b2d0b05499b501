import type { RoomKnowledge } from "../../core/alarm-engine.ts";

/** What a gateway may have learned of its rooms. For tests of the page. */
export function exampleRooms(at: (agoMinutes: number) => number): readonly RoomKnowledge[] {
  const defrost = {
    seen: 14,
    heightKelvin: { least: 4.2, most: 6.8 },
    riseMinutes: { least: 18, most: 26 },
    recoveryMinutes: { least: 31, most: 47 },
  };
  const nothing = { defrostMinutes: [], recoveryMinutes: [] };
  const product = { celsius: -17.2, uncertaintyCelsius: 1.1 };
  const timeConstant = { source: "profile", minutes: 360 } as const;
  return [
    {
      zoneId: "cold-1",
      curves: [{ pointId: "c1a", defrost }],
      excursions: [
        {
          pointId: "c1a",
          side: "high",
          limit: -18,
          unit: "°C",
          count: 23,
          minutes: { least: 4, most: 52 },
          beyond: { least: 0.2, most: 3.4 },
          lastEndedMs: at(1_600),
        },
      ],
      reported: nothing,
      product: { ...product, celsius: -20.6 },
      timeConstant: { source: "fitted", minutes: 410, hours: 312, explainedShare: 0.87 },
    },
    {
      zoneId: "cold-3",
      curves: [{ pointId: "c3a", defrost: null }],
      excursions: [],
      reported: nothing,
      product,
      timeConstant,
    },
    {
      zoneId: "fridge",
      curves: [],
      excursions: [],
      reported: { defrostMinutes: [17, 21, 18], recoveryMinutes: [22, 25, 24] },
      product: null,
      timeConstant,
    },
  ];
}
