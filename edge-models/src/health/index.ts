export { type GreyImage, toGrey } from "./grey.ts";
export { healthOptions, type HealthOptions } from "./options.ts";
export { type PictureHealth, PictureJudge } from "./picture-judge.ts";
