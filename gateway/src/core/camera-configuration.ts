import type { FoundCamera } from "./camera.ts";
import { proposedId, quoted } from "./point-configuration.ts";

/**
 * A ready entry of the configuration's `cameras:` for a camera that answered on the local network, as lines of YAML (two spaces
 * deep). The room and the password's place are left to a person.
 */
export function cameraEntry(found: FoundCamera, zone?: string): readonly string[] {
  const host = URL.canParse(found.url) ? new URL(found.url).hostname : "";
  const name = found.name ?? found.model ?? host;
  return [
    `  - id: ${quoted(proposedId(`camera-${host}`))}`,
    zone === undefined
      ? '    zone: "" # the room it looks at: one of the ids under zones'
      : `    zone: ${quoted(zone)}`,
    `    name: { zh: ${quoted(`摄像机 ${name}`)}, en: ${quoted(`Camera ${name}`)} }`,
    "    frames:",
    "      kind: onvif",
    `      url: ${quoted(found.url)}`,
    `      endpoint: ${quoted(found.endpoint)}`,
    "      credentials: { username: admin, password: { env: CAMERA_PASSWORD } } # a viewer's account is enough",
  ];
}
