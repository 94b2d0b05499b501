export { gatewayConfig, type GatewayConfig } from "./schema.ts";
