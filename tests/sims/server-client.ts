import { z } from "zod";

const sample = z.object({
  timeMs: z.number(),
  receivedMs: z.number(),
  value: z.number().nullable(),
  raw: z.number().nullable(),
  quality: z.string(),
  reason: z.string().nullable(),
});
const series = z.object({ bucketMs: z.number().nullable(), samples: z.array(sample) });
const alarms = z.object({
  alarms: z.array(
    z.object({
      alarmId: z.string(),
      ruleKind: z.string(),
      zoneId: z.string(),
      pointId: z.string().nullable(),
      state: z.string(),
      priority: z.string(),
      raisedMs: z.number(),
      clearedMs: z.number().nullable(),
      returnedMs: z.number().nullable(),
    }),
  ),
  truncated: z.boolean(),
});
const findings = z.object({
  findings: z.array(
    z.object({
      findingId: z.string(),
      cameraId: z.string(),
      ruleKind: z.string(),
      firstSeenMs: z.number(),
      evidence: z.array(z.object({ sha256: z.string(), stored: z.boolean() })),
    }),
  ),
});

const explanation = z.object({ code: z.string(), parameters: z.record(z.string(), z.unknown()) });
const gatewayFile = z.object({
  gateway: z.object({ connected: z.boolean(), revokedMs: z.number().nullable() }),
  refusedAttempts: z.number(),
  certificates: z.array(z.object({ serial: z.string(), revokedMs: z.number().nullable() })),
  changes: z.array(z.object({ what: z.string(), before: z.string(), after: z.string(), author: z.string() })),
  commands: z.array(
    z.object({ commandId: z.string(), kind: z.string(), status: z.string(), outcome: explanation.nullable() }),
  ),
  configuration: z.object({ version: z.number(), sha256: z.string(), yaml: z.string() }).nullable(),
  points: z.array(z.object({ pointId: z.string(), calibration: z.object({ offset: z.number() }).nullable() })),
});

export type GatewayFileView = z.output<typeof gatewayFile>;
export type StoredSample = z.output<typeof sample>;
export type AlarmView = z.output<typeof alarms>["alarms"][number];
export type FindingView = z.output<typeof findings>["findings"][number];

/** A person at the server's HTTP interface. */
export class ServerClient {
  readonly #url: string;
  #cookie = "";

  constructor(url: string) {
    this.#url = url;
  }

  async signIn(name: string, password: string): Promise<void> {
    const response = await this.#request("POST", "/api/v1/session", { name, password });
    const cookie = response.headers.getSetCookie()[0]?.split(";")[0];
    if (cookie === undefined) throw new Error("the server gave no session cookie");
    this.#cookie = cookie;
  }

  async createSite(siteId: string): Promise<void> {
    await this.#request("POST", "/api/v1/sites", { siteId });
  }

  async createEnrolmentToken(siteId: string): Promise<string> {
    const response = await this.#request("POST", `/api/v1/sites/${siteId}/enrolment-tokens`, {});
    return z.object({ token: z.string() }).parse(await response.json()).token;
  }

  /** Every sample of a point in a span, as stored; asks in pieces, so that none is shown as a bucket. */
  async samples(siteId: string, pointId: string, fromMs: number, toMs: number): Promise<readonly StoredSample[]> {
    const query = `from=${Math.floor(fromMs)}&to=${Math.ceil(toMs)}&maxPoints=5000`;
    const path = `/api/v1/sites/${siteId}/points/${pointId}/series?${query}`;
    const response = await this.#request("GET", path);
    const answer = series.parse(await response.json());
    if (answer.bucketMs === null) return answer.samples;
    const middleMs = Math.floor((fromMs + toMs) / 2);
    if (middleMs <= fromMs) throw new Error(`more than 5000 samples of ${pointId} at ${fromMs}`);
    return [
      ...(await this.samples(siteId, pointId, fromMs, middleMs)),
      ...(await this.samples(siteId, pointId, middleMs, toMs)),
    ];
  }

  async alarms(siteId: string): Promise<readonly AlarmView[]> {
    const response = await this.#request("GET", `/api/v1/alarms?siteId=${siteId}&limit=1000`);
    return alarms.parse(await response.json()).alarms;
  }

  async acknowledge(alarmId: string): Promise<void> {
    await this.#request("POST", `/api/v1/alarms/${encodeURIComponent(alarmId)}/acknowledgement`, { comment: "seen" });
  }

  async findings(siteId: string): Promise<readonly FindingView[]> {
    const response = await this.#request("GET", `/api/v1/findings?siteId=${siteId}&limit=500`);
    return findings.parse(await response.json()).findings;
  }

  async evidence(sha256: string): Promise<Uint8Array> {
    const response = await this.#request("GET", `/api/v1/evidence/${sha256}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  async isHealthy(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/api/v1/healthz`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  }

  async gateways(): Promise<readonly { readonly gatewayId: string; readonly connected: boolean }[]> {
    const response = await this.#request("GET", "/api/v1/gateways");
    const shape = z.object({ gateways: z.array(z.object({ gatewayId: z.string(), connected: z.boolean() })) });
    return shape.parse(await response.json()).gateways;
  }

  async gatewayFile(gatewayId: string): Promise<GatewayFileView> {
    const response = await this.#request("GET", `/api/v1/gateways/${gatewayId}`);
    return gatewayFile.parse(await response.json());
  }

  async askGateway(gatewayId: string, what: "configurations" | "calibrations", body: object): Promise<string> {
    const response = await this.#request("POST", `/api/v1/gateways/${gatewayId}/${what}`, body);
    return z.object({ commandId: z.string() }).parse(await response.json()).commandId;
  }

  /** Any request, whatever the answer. */
  async ask(method: "GET" | "POST", path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const response = await this.#send(method, path, body);
    return { status: response.status, body: await response.json() };
  }

  async revoke(gatewayId: string): Promise<void> {
    await this.#request("POST", `/api/v1/gateways/${gatewayId}/revocation`, {});
  }

  async #request(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await this.#send(method, path, body);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  #send(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      method,
      headers: {
        ...(this.#cookie === "" ? {} : { cookie: this.#cookie }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
  }
}
