export { createCamera } from "./camera.ts";
export { CameraFinder, findCameras } from "./camera-finder.ts";
export { cameraConfig } from "./camera-config.ts";
export { inferenceOptions } from "./machine-watch.ts";
export { ModelPool } from "./model-pool.ts";
export { openCameras } from "./open-cameras.ts";
