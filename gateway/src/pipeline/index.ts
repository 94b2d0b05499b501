export { createPipeline, type Pipeline } from "./pipeline.ts";
export { createRecording, type Recording, type RecordingStep } from "./recording.ts";
