import type { Random } from "@frostlight/kernel";

import { humidityRatio } from "./moist-air.ts";
import type { OutsideParameters, TrafficParameters } from "./parameters.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** The air around the room: a yearly and a daily wave (warmest in late July and at 15:00) and slow weather. */
export class Outside {
  readonly #parameters: OutsideParameters;
  readonly #random: Random;
  #weatherKelvin = 0;
  #weatherHour = Number.NaN;

  constructor(parameters: OutsideParameters, random: Random) {
    this.#parameters = parameters;
    this.#random = random;
  }

  at(timeMs: number): { readonly celsius: number; readonly humidityRatio: number } {
    const { meanCelsius, seasonKelvin, dayKelvin, relativeHumidity, utcOffsetHours } = this.#parameters;
    const hour = Math.floor(timeMs / hourMs);
    if (hour !== this.#weatherHour) {
      this.#weatherHour = hour;
      this.#weatherKelvin = 0.97 * this.#weatherKelvin + 0.6 * normal(this.#random);
    }
    const day = timeMs / dayMs;
    const local = day + utcOffsetHours / 24;
    const celsius =
      meanCelsius +
      seasonKelvin * Math.cos((2 * Math.PI * (day - 205)) / 365.25) +
      dayKelvin * Math.cos(2 * Math.PI * (local - 15 / 24)) +
      this.#weatherKelvin * (seasonKelvin > 0 ? 1 : 0.2);
    return { celsius, humidityRatio: humidityRatio(celsius, relativeHumidity) };
  }
}

/** Who opens the door, when, for how long, and what they bring in. */
export class Traffic {
  readonly #parameters: TrafficParameters;
  readonly #utcOffsetHours: number;
  readonly #random: Random;
  #openUntilMs = Number.NEGATIVE_INFINITY;
  #deliveryUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parameters: TrafficParameters, utcOffsetHours: number, random: Random) {
    this.#parameters = parameters;
    this.#utcOffsetHours = utcOffsetHours;
    this.#random = random;
  }

  step(
    timeMs: number,
    dtSeconds: number,
  ): { readonly doorOpen: boolean; readonly delivering: boolean; readonly loadWatts: number } {
    const traffic = this.#parameters;
    const localMs = timeMs + this.#utcOffsetHours * hourMs;
    const hourOfDay = Math.floor((localMs % dayMs) / hourMs);
    // 1970-01-01 was a Thursday: day 3 was the first Sunday.
    const sunday = Math.floor(localMs / dayMs) % 7 === 3;
    const rate = traffic.closedSundays && sunday ? 0 : (traffic.openingsPerHour[hourOfDay] ?? 0);
    const openings = this.#random.next();
    const deliveries = this.#random.next();
    const duration = this.#random.next();
    if (timeMs >= this.#openUntilMs && openings < (rate * dtSeconds) / 3600) {
      this.#openUntilMs = timeMs + 1000 * (4 - traffic.meanOpenSeconds * Math.log(1 - duration * 0.98));
    }
    const working = rate > 0;
    const busyHours = traffic.openingsPerHour.filter((perHour) => perHour > 0).length;
    const deliveryChance = busyHours === 0 ? 0 : (traffic.deliveriesPerDay * dtSeconds) / (busyHours * 3600);
    if (working && timeMs >= this.#deliveryUntilMs && deliveries < deliveryChance) {
      this.#deliveryUntilMs = timeMs + traffic.deliverySeconds * 1000;
    }
    const delivering = timeMs < this.#deliveryUntilMs;
    // While goods come in the door stands open half of the time.
    const doorOpen = timeMs < this.#openUntilMs || (delivering && Math.floor(timeMs / 60_000) % 2 === 0);
    const deliveryWatts = delivering ? traffic.deliveryJoules / traffic.deliverySeconds : 0;
    return { doorOpen, delivering, loadWatts: deliveryWatts + (doorOpen ? traffic.heatWatts : 0) };
  }
}

/** A standard normal number (Box and Muller 1958). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
