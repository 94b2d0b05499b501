/** How a command ends. */
export const exitCodes = {
  ok: 0,
  /** Something is not in order, not reachable, or no gateway runs. */
  problem: 1,
  /** The command line is not understood. */
  usage: 2,
  /** The configuration is wrong (as for the gateway itself). */
  configuration: 78,
} as const;

/** What a command may use of the world. */
interface Terminal {
  readonly out: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface CommandOptions {
  readonly configFile: string;
  /** Page of a running gateway, instead of what the configuration says. */
  readonly url: string | undefined;
  readonly json: boolean;
  readonly seconds: number;
  readonly source: string | undefined;
  readonly zone: string | undefined;
  readonly out: string | undefined;
  /** Who asks for it, and why, where it is recorded. */
  readonly name: string | undefined;
  readonly reason: string | undefined;
}

export interface Command {
  /** One line for the help. */
  readonly summary: string;
  run(options: CommandOptions, terminal: Terminal): Promise<number>;
}
