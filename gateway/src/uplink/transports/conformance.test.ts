import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { expect, test } from "vitest";

import { transportRegistry } from "./index.ts";

const context = {
  gatewayId: "gw-0123456789abcdef",
  serverUrl: "http://127.0.0.1:1",
  mqttUrl: "mqtt://127.0.0.1:1",
  username: "gw",
  password: "secret",
  ca: undefined,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  onAck: () => undefined,
  onCommand: () => Promise.resolve(),
};

test.each(transportRegistry.all)(
  "the transport $kind takes its own example and refuses unknown keys",
  ({ options, example }) => {
    expect(options.safeParse(example).success).toBe(true);
    expect(options.safeParse({ ...(example as object), nonsense: 1 }).success).toBe(false); // examples are objects
  },
);

test.each(transportRegistry.all)(
  "the transport $kind rejects with a coded error when nobody answers",
  async (definition) => {
    const connecting = definition.open(definition.options.parse({}), context).connect(new AbortController().signal);
    await expect(connecting).rejects.toMatchObject({ code: "uplink/unreachable", fault: "peer" });
  },
);

test.each(transportRegistry.all)("the transport $kind does not connect when it is told to stop", async (definition) => {
  const transport = definition.open(definition.options.parse({}), context);
  const connecting = transport.connect(AbortSignal.abort(new Error("stopping")));
  await expect(connecting).rejects.toThrow("stopping");
});
