import { configurationText, contractLimits, publicKeyFromRaw, verifySealed } from "@frostlight/contract";

/** One thing wrong in a configuration. */
export interface ConfigurationProblem {
  /** Dotted path, e.g. `sources.0.port`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Checks a text with the gateway's own schema, and that it leaves alone what only a person at the gateway may change. */
export type Validate = (yaml: string) => Promise<readonly ConfigurationProblem[]>;

export interface Proposal {
  readonly version: number;
  readonly yaml: string;
  readonly signature: Uint8Array;
}

export type Verdict =
  | { readonly kind: "good" }
  | {
      readonly kind: "refused";
      readonly code: "configuration-no-key" | "configuration-not-signed" | "configuration-replayed";
    }
  | {
      readonly kind: "refused";
      readonly code: "configuration-invalid";
      readonly problems: readonly ConfigurationProblem[];
    };

/**
 * Whether a configuration may be tried: by the key that was pinned when the gateway joined, for this gateway, newer than any
 * before, and valid. The signature comes first: nothing unsigned is even parsed.
 * @param configurationKey raw Ed25519, hex
 */
export async function judge(
  proposal: Proposal,
  given: {
    readonly gatewayId: string;
    readonly configurationKey: string | undefined;
    readonly highest: number;
    readonly validate: Validate;
  },
): Promise<Verdict> {
  const { version, yaml, signature } = proposal;
  const { gatewayId, configurationKey, highest, validate } = given;
  if (configurationKey === undefined) return { kind: "refused", code: "configuration-no-key" };
  if (!isSigned(configurationText(gatewayId, version, yaml), signature, configurationKey)) {
    return { kind: "refused", code: "configuration-not-signed" };
  }
  if (version <= highest) return { kind: "refused", code: "configuration-replayed" };
  if (yaml.length > contractLimits.configurationLength) {
    const message = `${yaml.length} characters, at most ${contractLimits.configurationLength}`;
    return { kind: "refused", code: "configuration-invalid", problems: [{ path: "", message }] };
  }
  const problems = await validate(yaml);
  return problems.length === 0 ? { kind: "good" } : { kind: "refused", code: "configuration-invalid", problems };
}

function isSigned(body: Uint8Array, signature: Uint8Array, keyHex: string): boolean {
  try {
    return verifySealed({ body, signature }, publicKeyFromRaw(Buffer.from(keyHex, "hex")));
  } catch {
    // A key that is no point on the curve signs nothing.
    return false;
  }
}

/** Problems as lines, as many as fit into a record. */
export function problemLines(problems: readonly ConfigurationProblem[], maxLength = 1_500): string {
  const lines: string[] = [];
  let length = 0;
  for (const { path, message } of problems) {
    const line = `${path === "" ? "(file)" : path}: ${message}`.slice(0, 400);
    length += line.length + 1;
    if (length > maxLength) return [...lines, `… ${problems.length - lines.length} more`].join("\n");
    lines.push(line);
  }
  return lines.join("\n");
}
