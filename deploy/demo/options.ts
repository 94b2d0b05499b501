import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** Ports the demonstration listens on, all on 127.0.0.1. */
export const portNames = ["console", "gateways", "sensors", "page", "plc", "yard", "kitchen"] as const;
export type PortName = (typeof portNames)[number];
export type Ports = Readonly<Record<PortName, number>>;

/** Wished ports; a taken one falls to any free port. */
export const defaultPorts: Ports = {
  console: 8080,
  gateways: 8883,
  sensors: 1883,
  page: 8088,
  plc: 4840,
  yard: 8091,
  kitchen: 8092,
};

export interface DemoOptions {
  /** Forget what an earlier demonstration left. */
  readonly fresh: boolean;
  readonly folder: string;
  readonly ports: Partial<Ports>;
  /** End by itself after so many seconds, for trials. */
  readonly seconds: number | undefined;
}

export const usage = `npm start [-- --fresh] [-- --ports console=8080,sensors=1883] [-- --folder .demo] [-- --seconds N]
  --fresh    start over: removes the folder's old state
  --ports    ${portNames.join(", ")}; what is taken falls to a free port
  --folder   where the state is kept (default .demo)
  --seconds  end by itself after N seconds`;

/** Reads the command line; throws an Error with what is wrong. */
export function readOptions(args: readonly string[], root: string): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fresh: { type: "boolean", default: false },
      folder: { type: "string", default: ".demo" },
      ports: { type: "string", default: "" },
      seconds: { type: "string" },
    },
  });
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !(seconds > 0)) {
    throw new Error(`--seconds: expected a positive number, found ${values.seconds}`);
  }
  return { fresh: values.fresh, folder: resolve(root, values.folder), ports: readPorts(values.ports), seconds };
}

function readPorts(text: string): Partial<Ports> {
  const entries = text
    .split(",")
    .filter((part) => part !== "")
    .map((part): readonly [PortName, number] => {
      const [name = "", number = ""] = part.split("=");
      const known = portNames.find((candidate) => candidate === name);
      const port = Number(number);
      if (known === undefined) throw new Error(`--ports: unknown "${name}", expected ${portNames.join(", ")}`);
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new Error(`--ports: ${name}: expected 1 to 65535, found "${number}"`);
      }
      return [known, port];
    });
  return Object.fromEntries(entries);
}
