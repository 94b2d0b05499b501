export { type GreyImage, toGrey } from "./grey.ts";
export { healthOptions, type HealthOptions, type OverlayOptions } from "./options.ts";
export { OverlayClock } from "./overlay-clock.ts";
export { type PictureHealth, PictureJudge } from "./picture-judge.ts";
