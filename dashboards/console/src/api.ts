import type {
  AcknowledgementRequest,
  AlarmDetail,
  AlarmList,
  AlarmRequested,
  AlarmSystemHealth,
  CameraCourse,
  CameraLearning,
  CameraList,
  ConfigurationText,
  EnrolmentToken,
  Finding,
  GatewayFile,
  GatewayList,
  GatewayRequest,
  Overview,
  Problem,
  Series,
  ServiceTarget,
  Session,
  Teaching,
  Verdict,
} from "./api.generated.ts";

/** An answer that was not the wished one. `network`: there was none. */
export class RequestError extends Error {
  readonly status: number | "network";
  readonly code: string;

  constructor(status: number | "network", code: string, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

const timeoutMs = 20_000;

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new RequestError("network", "network", "no answer from the server", { cause: error });
  }
  if (response.status >= 502 && response.status <= 504 && !isJson(response)) {
    throw new RequestError("network", "network", "the server is not there");
  }
  const answer: unknown = isJson(response) ? await response.json() : null;
  if (!response.ok) {
    // Every error of the server has this shape (its schema says so); one of a proxy has none.
    const { code, message } = (answer ?? { code: "other", message: response.statusText }) as Problem;
    throw new RequestError(response.status, code, message);
  }
  // The server's answers are checked against the same schemas that these types are generated from.
  return answer as T;
}

function isJson(response: Response): boolean {
  return response.headers.get("content-type")?.includes("json") ?? false;
}

function query(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) search.set(name, String(value));
  return `?${search.toString()}`;
}

const id = encodeURIComponent;

/** The server's interface, one function for each request that the console makes. */
export const api = {
  session: () => request<Session>("GET", "/session"),
  signIn: (name: string, password: string) => request<Session>("POST", "/session", { name, password }),
  signOut: () => request<null>("DELETE", "/session"),
  changePassword: (current: string, next: string) => request<null>("POST", "/password", { current, next }),
  overview: () => request<Overview>("GET", "/overview"),
  series: (siteId: string, pointId: string, range: { from: number; to: number; maxPoints: number }) =>
    request<Series>("GET", `/sites/${id(siteId)}/points/${id(pointId)}/series${query(range)}`),
  alarms: (filter: { siteId?: string; zoneId?: string; open?: boolean; from?: number; to?: number; limit?: number }) =>
    request<AlarmList>("GET", `/alarms${query(filter)}`),
  alarm: (alarmId: string) => request<AlarmDetail>("GET", `/alarms/${id(alarmId)}`),
  cameraHealth: (siteId: string, cameraId: string, days: number) =>
    request<CameraCourse>("GET", `/sites/${id(siteId)}/cameras/${id(cameraId)}/health${query({ days })}`),
  learnAnew: (siteId: string, cameraId: string, what: CameraLearning["what"], reason: string) =>
    request<AlarmRequested>("POST", `/sites/${id(siteId)}/cameras/${id(cameraId)}/learning`, { what, reason }),
  acknowledge: (alarmId: string, comment: string) =>
    request<AcknowledgementRequest>("POST", `/alarms/${id(alarmId)}/acknowledgement`, { comment }),
  alarmActionDone: (alarmId: string, comment: string) =>
    request<AlarmRequested>("POST", `/alarms/${id(alarmId)}/action-done`, { comment }),
  shelve: (
    alarmId: string,
    shelving: {
      readonly untilMs: number;
      readonly oneShot: boolean;
      readonly reason: string;
      readonly acceptCritical: boolean;
    },
  ) => request<AlarmRequested>("POST", `/alarms/${id(alarmId)}/shelving`, shelving),
  unshelve: (alarmId: string, reason: string) =>
    request<AlarmRequested>("POST", `/alarms/${id(alarmId)}/unshelving`, { reason }),
  resetAlarm: (alarmId: string, reason: string) =>
    request<AlarmRequested>("POST", `/alarms/${id(alarmId)}/reset`, { reason }),
  setService: (
    siteId: string,
    service:
      | { readonly inService: true; readonly target: ServiceTarget; readonly reason: string }
      | {
          readonly inService: false;
          readonly target: ServiceTarget;
          readonly purpose: "maintenance" | "calibration" | "other";
          readonly untilMs: number;
          readonly reason: string;
        },
  ) => request<AlarmRequested>("POST", `/sites/${id(siteId)}/service`, service),
  alarmHealth: (days: number, siteId?: string) =>
    request<AlarmSystemHealth>("GET", `/alarm-health${query({ days, siteId })}`),
  judgeFinding: (findingId: string, verdict: Verdict, comment: string) =>
    request<AlarmRequested>("POST", `/findings/${id(findingId)}/verdict`, { verdict, comment }),
  teaching: (gatewayId: string) => request<Teaching>("GET", `/gateways/${id(gatewayId)}/teaching`),
  teach: (gatewayId: string, step: object) =>
    request<AlarmRequested>("POST", `/gateways/${id(gatewayId)}/teaching`, { request: step }),
  finding: (findingId: string) => request<Finding>("GET", `/findings/${id(findingId)}`),
  cameras: () => request<CameraList>("GET", "/cameras"),
  gateways: () => request<GatewayList>("GET", "/gateways"),
  gateway: (gatewayId: string) => request<GatewayFile>("GET", `/gateways/${id(gatewayId)}`),
  configuration: (gatewayId: string, version: number) =>
    request<ConfigurationText>("GET", `/gateways/${id(gatewayId)}/configurations/${version}`),
  sendConfiguration: (gatewayId: string, yaml: string, reason: string) =>
    request<GatewayRequest>("POST", `/gateways/${id(gatewayId)}/configurations`, { yaml, reason }),
  calibrate: (
    gatewayId: string,
    calibration: {
      readonly pointId: string;
      readonly offset: number;
      readonly slope: number;
      readonly certificate: string | null;
      readonly dueMs: number | null;
      readonly reason: string;
    },
  ) => request<GatewayRequest>("POST", `/gateways/${id(gatewayId)}/calibrations`, calibration),
  approveCertificate: (
    gatewayId: string,
    approval: { readonly sourceId: string; readonly fingerprintSha256: string; readonly reason: string },
  ) => request<GatewayRequest>("POST", `/gateways/${id(gatewayId)}/approvals`, approval),
  revoke: (gatewayId: string) => request<null>("POST", `/gateways/${id(gatewayId)}/revocation`, {}),
  createSite: (siteId: string) => request<{ readonly siteId: string }>("POST", "/sites", { siteId }),
  createToken: (siteId: string) => request<EnrolmentToken>("POST", `/sites/${id(siteId)}/enrolment-tokens`, {}),
  evidenceUrl: (sha256: string) => `/api/v1/evidence/${id(sha256)}`,
  eventsUrl: "/api/v1/events",
} as const;
