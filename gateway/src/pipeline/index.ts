export { createPipeline, type Latest, type Pipeline, type PipelineOptions } from "./pipeline.ts";
