export { createCamera } from "./camera.ts";
export { cameraConfig, type CameraConfig } from "./camera-config.ts";
