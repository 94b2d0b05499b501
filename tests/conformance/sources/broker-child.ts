/** The embedded broker in a process of its own, to be killed. `node broker-child.ts <state folder>`; prints its port. */
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { mqttBroker, MqttBroker } from "../../../gateway/src/sources/mqtt-broker.ts";

const stateFolder = process.argv[2] ?? "";
const broker = new MqttBroker(
  mqttBroker.options.parse({ port: 0, anonymous: { publish: ["#"], subscribe: ["#"] } }),
  [],
  {
    sourceId: "killed",
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    stateFolder,
    environment: {},
    submit: () => Promise.resolve(),
    wasRecorded: () => false,
    discover: () => undefined,
    trust: { judge: () => Promise.resolve("unknown"), onApproval: () => () => undefined },
    refuse: () => undefined,
    setState: () => undefined,
  },
);
await broker.start();
process.stdout.write(`${broker.port}\n`);
