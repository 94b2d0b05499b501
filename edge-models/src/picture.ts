/** A picture in memory: interleaved RGB, 8 bit, `width * height * 3` bytes. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** A rectangle in fractions (0..1) of the picture's width and height. */
export interface DetectedBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly label: string;
  /** 0..1 */
  readonly score: number;
}

/** A layer of the network: `channels * height * width` numbers, channel by channel. */
export interface FeatureMap {
  /** Input pixels per cell. */
  readonly stride: number;
  readonly channels: number;
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}
