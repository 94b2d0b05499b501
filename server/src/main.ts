import { commandLine, loadConfig, runProcess } from "@frostlight/kernel";

import { serverConfig } from "./config/index.ts";
import { buildServer } from "./server.ts";

await runProcess(async () => {
  const { configFile } = commandLine(process.argv.slice(2));
  return buildServer(await loadConfig(configFile, serverConfig), process.env);
});
