export { createCamera } from "./camera.ts";
export { cameraConfig } from "./camera-config.ts";
export { ModelPool } from "./model-pool.ts";
