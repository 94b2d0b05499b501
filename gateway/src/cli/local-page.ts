import { describeError } from "@frostlight/kernel";

import type { LocalOptions } from "../local/options.ts";

const timeoutMs = 5_000;

/** Address of the local page as this machine reaches it; undefined when its port is not known beforehand. */
export function localUrl({ host, port }: Pick<LocalOptions, "host" | "port">): string | undefined {
  if (port === 0) return undefined;
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

export type LocalAnswer =
  | { readonly kind: "answer"; readonly text: string }
  /** Nobody listens: no gateway runs. */
  | { readonly kind: "nobody" }
  | { readonly kind: "other"; readonly message: string; readonly status?: number };

/** Asks a running gateway's local page. @param body is sent, when there is one: then something is to be done */
export async function askLocalPage(url: string, path: string, body?: unknown): Promise<LocalAnswer> {
  const sent =
    body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(new URL(path, url), { ...sent, signal, redirect: "error" });
    if (answer.ok) return { kind: "answer", text: await answer.text() };
    const { status } = answer;
    const said = body === undefined ? "" : `: ${(await answer.text()).slice(0, 500)}`;
    return { kind: "other", message: `${url}${path} answers with status ${status}${said}`, status };
  } catch (error) {
    const message = describeError(error);
    return message.includes("ECONNREFUSED") ? { kind: "nobody" } : { kind: "other", message: `${url}: ${message}` };
  }
}
