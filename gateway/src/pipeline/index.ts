export { createPipeline, type Pipeline } from "./pipeline.ts";
