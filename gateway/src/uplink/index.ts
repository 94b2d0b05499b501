export { checkServer } from "./check-server.ts";
export { loadEnrolment } from "./enrolment.ts";
export { openIdentity } from "./identity.ts";
export { uplinkOptions } from "./options.ts";
export { createUplink } from "./uplink.ts";
