import { join } from "node:path";

import { readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

import { freePort } from "../../tests/sims/free-port.ts";
import { defaultPorts, portNames, type Ports } from "./options.ts";

const port = z.int().min(1).max(65_535);
const schema = z.object({
  ports: z.object({
    console: port,
    gateways: port,
    sensors: port,
    page: port,
    plc: port,
    yard: port,
    kitchen: port,
  }),
  /** The first administrator's password: the server prints it only once. */
  password: z.string().optional(),
  hasSite: z.boolean().default(false),
});

/** What the demonstration remembers between starts. */
export type DemoState = z.output<typeof schema>;

const fileOf = (folder: string): string => join(folder, "demo.json");

export async function readDemoState(folder: string): Promise<DemoState | undefined> {
  return readState(fileOf(folder), (text) => schema.parse(JSON.parse(text)));
}

export async function writeDemoState(folder: string, state: DemoState): Promise<void> {
  await writeFileAtomic(fileOf(folder), `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

/** The ports asked for, else those of the last start, else the usual ones; what is taken falls to a free one. */
export async function choosePorts(asked: Partial<Ports>, last: Ports | undefined): Promise<Ports> {
  const chosen = new Map<string, number>();
  for (const name of portNames) {
    let found = await freePort(asked[name] ?? last?.[name] ?? defaultPorts[name]);
    while ([...chosen.values()].includes(found)) found = await freePort();
    chosen.set(name, found);
  }
  return schema.shape.ports.parse(Object.fromEntries(chosen));
}
