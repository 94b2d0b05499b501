export { createPipeline, type Pipeline } from "./pipeline.ts";
export { createRecording, type Recording } from "./recording.ts";
