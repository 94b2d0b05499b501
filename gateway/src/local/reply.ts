import type { IncomingHttpHeaders } from "node:http";

import { byteRange, isKnownVersion } from "@frostlight/kernel";

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export function json(status: number, value: unknown): Reply {
  return { status, contentType: "application/json; charset=utf-8", body: JSON.stringify(value) };
}

export function failure(status: number, code: string, message: string): Reply {
  return json(status, { code, message });
}

export function wrongMethod(allow: string): Reply {
  return { ...failure(405, "method-not-allowed", `allowed: ${allow}`), headers: { allow } };
}

/** A file whose name is its hash: may be kept for ever by the one who asked, and is sent in parts where asked for. */
export function hashedFile(
  file: { readonly sha256: string; readonly data: Uint8Array; readonly contentType: string },
  request: { readonly method?: string | undefined; readonly headers: IncomingHttpHeaders },
): Reply {
  const { data, contentType } = file;
  const etag = `"${file.sha256}"`;
  const headers = { etag, "accept-ranges": "bytes", "cache-control": "private, max-age=31536000, immutable" };
  if (isKnownVersion(request.headers["if-none-match"], etag)) return { status: 304, contentType, body: "", headers };
  const sizeBytes = data.length;
  const asked = request.method === "GET" ? byteRange(request.headers, { etag, sizeBytes }) : { kind: "whole" as const };
  if (asked.kind === "whole") return { status: 200, contentType, body: data, headers };
  if (asked.kind === "refused") {
    const refusal = failure(416, `range-${asked.reason}`, "expected one range of bytes within the file");
    return { ...refusal, headers: { "content-range": `bytes */${sizeBytes}` } };
  }
  const { first, last } = asked;
  const range = `bytes ${first}-${last}/${sizeBytes}`;
  const body = data.subarray(first, last + 1);
  return { status: 206, contentType, body, headers: { ...headers, "content-range": range } };
}
