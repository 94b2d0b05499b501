export { type ApiWiring, createApi, listenApi } from "./create-api.ts";
export { ensureFirstAdministrator } from "./first-administrator.ts";
export { type ApiOptions, apiOptions } from "./options.ts";
