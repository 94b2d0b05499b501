/** Kalman filter of one coordinate that moves at a nearly constant speed. */
export class SteadyMotion {
  #position: number;
  #speed = 0;
  #positionVariance: number;
  #covariance = 0;
  #speedVariance: number;

  /** @param size of the thing along this coordinate: people walk about their height in a second */
  constructor(position: number, size: number) {
    this.#position = position;
    this.#positionVariance = (0.1 * size) ** 2;
    this.#speedVariance = size ** 2;
  }

  /** Where it is expected after so many seconds; after two it is taken to have stopped. */
  expectedAfter(seconds: number): number {
    return this.#position + this.#speed * Math.min(seconds, 2);
  }

  /** @param seconds since the last measurement */
  measure(position: number, size: number, seconds: number): void {
    const dt = Math.min(Math.max(seconds, 0), 10);
    const acceleration = 0.5 * size ** 2;
    const expected = this.expectedAfter(dt);
    const positionVariance =
      this.#positionVariance + dt * (2 * this.#covariance + dt * this.#speedVariance) + (acceleration * dt ** 3) / 3;
    const covariance = this.#covariance + dt * this.#speedVariance + (acceleration * dt ** 2) / 2;
    const speedVariance = this.#speedVariance + acceleration * dt;
    const innovation = positionVariance + (0.05 * size) ** 2;
    if (!(innovation > 0)) return;
    const gain = positionVariance / innovation;
    const speedGain = covariance / innovation;
    this.#position = expected + gain * (position - expected);
    this.#speed += speedGain * (position - expected);
    this.#positionVariance = (1 - gain) * positionVariance;
    this.#covariance = (1 - gain) * covariance;
    this.#speedVariance = speedVariance - speedGain * covariance;
  }
}
