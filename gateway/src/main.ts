import { join } from "node:path";

import {
  commandLine,
  createLogger,
  describeError,
  loadConfig,
  type Part,
  runProcess,
  systemClock,
} from "@frostlight/kernel";

import { AddedPoints, loadGatewayConfig } from "./added-points.ts";
import { gatewayConfig } from "./config/index.ts";
import { checkRemote } from "./configuration-check.ts";
import { buildGateway } from "./gateway.ts";
import { type Choice, RemoteConfiguration } from "./remote-config/index.ts";
import { Restartable } from "./restartable.ts";

await runProcess(async () => {
  const { configFile } = commandLine(process.argv.slice(2));
  const again: { restart: () => void } = { restart: () => undefined };
  const restart = (): void => {
    again.restart();
  };
  const logger = createLogger({ process: "gateway", level: "info" });
  const local = await loadConfig(configFile, gatewayConfig);
  const remote = await RemoteConfiguration.open({
    folder: join(local.stateFolder, "configuration"),
    localFile: configFile,
    validate: (yaml) => Promise.resolve(checkRemote(yaml, local)),
    clock: systemClock,
    logger: logger.child({ stage: "remote-config" }),
    restart,
  });
  const buildWith = async (choice: Choice): Promise<Part> => {
    const { config, unusable } = await loadGatewayConfig(choice.file);
    const addedPoints = new AddedPoints({
      configFile: choice.file,
      stateFolder: config.stateFolder,
      isAllowed: config.local.addPoints,
      clock: systemClock,
      logger: createLogger({ process: "gateway", level: config.logLevel }).child({ stage: "added-points" }),
      restart,
    });
    return buildGateway(config, process.env, { addedPoints, unusable, remote, choice });
  };
  const build = async (): Promise<Part> => {
    const choice = await remote.choose();
    if (!choice.isTrial) return buildWith(choice);
    try {
      return await buildWith(choice);
    } catch (error) {
      await remote.giveUp("configuration-failed", describeError(error));
      return buildWith(await remote.choose());
    }
  };
  const gateway = new Restartable(await build(), build, systemClock, logger);
  again.restart = () => {
    gateway.restart();
  };
  return gateway;
});
