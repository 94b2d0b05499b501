export { enrol, type Enrolment, loadEnrolment } from "./enrolment.ts";
export { openIdentity } from "./identity.ts";
export { uplinkOptions, type UplinkOptions } from "./options.ts";
export { createUplink, type UplinkParts } from "./uplink.ts";
