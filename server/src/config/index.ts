export { serverConfig, type ServerConfig } from "./schema.ts";
