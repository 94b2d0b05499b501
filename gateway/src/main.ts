import { commandLine, loadConfig, runProcess } from "@frostlight/kernel";

import { gatewayConfig } from "./config/index.ts";
import { buildGateway } from "./gateway.ts";

await runProcess(async () => {
  const { configFile } = commandLine(process.argv.slice(2));
  return buildGateway(await loadConfig(configFile, gatewayConfig), process.env);
});
