import { createRegistry, type Registry } from "@frostlight/kernel";

import type { FrameSourceDefinition } from "../../core/camera.ts";
import { folder } from "./folder.ts";
import { httpSnapshot } from "./http-snapshot.ts";
import { mjpeg } from "./mjpeg.ts";
import { onvif } from "./onvif.ts";
import { rtsp } from "./rtsp.ts";
import { videoFile } from "./video-file.ts";

/** Where frames can come from; a new kind is one new file and one line here. */
export const frameSourceRegistry: Registry<FrameSourceDefinition> = createRegistry<FrameSourceDefinition>("frames", [
  httpSnapshot,
  mjpeg,
  rtsp,
  onvif,
  folder,
  videoFile,
]);
