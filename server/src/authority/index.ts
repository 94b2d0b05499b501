export { openAuthority } from "./authority.ts";
export { authorityOptions } from "./options.ts";
