export { createApi, listenApi } from "./create-api.ts";
export { ensureFirstAdministrator } from "./first-administrator.ts";
export { apiOptions } from "./options.ts";
