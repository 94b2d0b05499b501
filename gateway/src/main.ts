import { commandLine, createLogger, type Part, runProcess, systemClock } from "@frostlight/kernel";

import { AddedPoints, loadGatewayConfig } from "./added-points.ts";
import { buildGateway } from "./gateway.ts";
import { Restartable } from "./restartable.ts";

await runProcess(async () => {
  const { configFile } = commandLine(process.argv.slice(2));
  const again: { restart: () => void } = { restart: () => undefined };
  const build = async (): Promise<Part> => {
    const { config, unusable } = await loadGatewayConfig(configFile);
    const addedPoints = new AddedPoints({
      configFile,
      stateFolder: config.stateFolder,
      isAllowed: config.local.addPoints,
      clock: systemClock,
      logger: createLogger({ process: "gateway", level: config.logLevel }).child({ stage: "added-points" }),
      restart: () => {
        again.restart();
      },
    });
    return buildGateway(config, process.env, { addedPoints, unusable });
  };
  const logger = createLogger({ process: "gateway", level: "info" });
  const gateway = new Restartable(await build(), build, systemClock, logger);
  again.restart = () => {
    gateway.restart();
  };
  return gateway;
});
