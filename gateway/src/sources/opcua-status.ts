import texts from "./opcua-status-texts.json" with { type: "json" };
import { reasonOf } from "./opcua-value.ts";

/** What an OPC UA reason or status code means, for people. */
export interface StatusText {
  readonly zh: string;
  readonly en: string;
}

const byReason: Readonly<Record<string, StatusText | undefined>> = texts;

/** The text of a reason such as "opcua-bad-sensor-failure"; of a code without one, the code itself. */
export function describeReason(reason: string): StatusText {
  return byReason[reason] ?? { zh: `OPC UA 状态 ${plainCode(reason)}`, en: `OPC UA status ${plainCode(reason)}` };
}

/** To be put behind a message: the reason in both languages, or nothing when there is no text for it. */
export function explainReason(reason: string): string {
  const text = byReason[reason];
  return text === undefined ? "" : ` (${text.zh} / ${text.en})`;
}

/** An error message of the library, with what its status code means behind it. */
export function explainFailure(message: string): string {
  const name = /\b(?:Bad|Uncertain)[A-Z][A-Za-z]+\b/.exec(message)?.[0];
  return name === undefined ? message : `${message}${explainReason(reasonOf(name, 0))}`;
}

function plainCode(reason: string): string {
  return reason.replace(/^opcua-/, "");
}
