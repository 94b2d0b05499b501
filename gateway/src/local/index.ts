export { localOptions } from "./options.ts";
export { createLocalServer } from "./server.ts";
export { createWatchdog } from "./watchdog.ts";
