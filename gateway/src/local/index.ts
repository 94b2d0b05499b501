export { localOptions } from "./options.ts";
export { createLocalServer, type LocalServer } from "./server.ts";
export { createWatchdog, type Watchdog } from "./watchdog.ts";
