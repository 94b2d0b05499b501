import type { AlarmEvent, Command, Sample, SiteDescription } from "@frostlight/contract";

import type { GatewayFile, GatewayFiles, TrackedCommand } from "../../core/gateway-records.ts";
import type {
  AccountStore,
  Alarm,
  AlarmRequest,
  CommandOutbox,
  EnrolmentStore,
  EvidenceInfo,
  EvidenceReader,
  Gateway,
  Scope,
  StateQueries,
  StoredFinding,
  SubjectHealth,
  User,
} from "../../core/records.ts";
import type { FindingJudgement, TeachingRecords } from "../../core/teaching-records.ts";

interface MemorySite {
  readonly organisationId: string;
  readonly siteId: string;
  description: SiteDescription | null;
}

/** The server's state in memory, for tests and for drawing the console without a database. */
export class MemoryState
  implements StateQueries, GatewayFiles, TeachingRecords, EnrolmentStore, CommandOutbox, EvidenceReader
{
  readonly siteList: MemorySite[] = [];
  readonly gatewayList: Gateway[] = [];
  readonly alarmMap = new Map<string, { alarm: Alarm; events: AlarmEvent[] }>();
  readonly findingList: StoredFinding[] = [];
  readonly healthList: (SubjectHealth & { readonly organisationId: string })[] = [];
  /** Every change of health; `healthList` has the newest of each subject. */
  readonly healthHistory: (SubjectHealth & { readonly organisationId: string })[] = [];
  readonly files = new Map<
    string,
    { readonly info: EvidenceInfo; readonly organisationId: string; readonly data: Uint8Array }
  >();
  readonly tokens: { readonly tokenHash: string; readonly siteId: string; readonly organisationId: string }[] = [];
  readonly commands: {
    readonly organisationId: string;
    readonly siteId: string;
    readonly gatewayId: string;
    readonly command: Command;
  }[] = [];

  /** Requests about alarms that are over. */
  readonly finishedRequests: (AlarmRequest & { readonly organisationId: string })[] = [];

  /** What is in the gateways' files besides the gateway and its site's description. */
  readonly gatewayFiles = new Map<string, Partial<GatewayFile>>();
  readonly configurations: { readonly gatewayId: string; readonly version: number; readonly yaml: string }[] = [];

  /** What gateways recorded of verdicts, by finding. */
  readonly verdicts = new Map<string, NonNullable<FindingJudgement["verdict"]>>();

  async judgements({ organisationId }: Scope, findingIds: readonly string[]) {
    const judgements = new Map<string, FindingJudgement>();
    for (const findingId of findingIds) {
      const request = this.commands.findLast(
        ({ command: { action }, organisationId: own }) =>
          own === organisationId && action.kind === "judge-finding" && action.findingId === findingId,
      );
      const verdict = this.verdicts.get(findingId) ?? null;
      if (verdict === null && request === undefined) continue;
      judgements.set(findingId, { verdict, request: request === undefined ? null : tracked(request.command) });
    }
    return judgements;
  }

  async teaching(scope: Scope, gatewayId: string) {
    const file = await this.gatewayFile(scope, gatewayId);
    if (file === undefined) return undefined;
    const { siteId, revokedMs } = file.gateway;
    const commands = this.commands
      .filter((one) => one.gatewayId === gatewayId && one.command.action.kind === "teach")
      .map(({ command }) => tracked(command))
      .toReversed();
    const changes = file.changes.filter(({ what }) => what === "teaching");
    return { siteId, isRevoked: revokedMs !== null, changes, commands };
  }

  async gatewayFile(scope: Scope, gatewayId: string) {
    const gateway = (await this.gateways(scope)).find((one) => one.gatewayId === gatewayId);
    if (gateway === undefined) return undefined;
    const description = (await this.site(scope, gateway.siteId))?.description ?? null;
    const nothing = { certificates: [], epochs: [], changes: [], commands: [], configurations: [] };
    return { ...nothing, ...this.gatewayFiles.get(gatewayId), gateway, description };
  }

  async configurationText(scope: Scope, gatewayId: string, version: number) {
    if ((await this.gatewayFile(scope, gatewayId)) === undefined) return undefined;
    return this.configurations.find((one) => one.gatewayId === gatewayId && one.version === version)?.yaml;
  }

  async addConfiguration(
    scope: Scope,
    { gatewayId, yaml }: Parameters<GatewayFiles["addConfiguration"]>[1],
    sign: (version: number) => Uint8Array,
  ) {
    const file = await this.gatewayFile(scope, gatewayId);
    if (file === undefined) return undefined;
    const version = this.configurations.filter((one) => one.gatewayId === gatewayId).length + 1;
    this.configurations.push({ gatewayId, version, yaml });
    return { version, signature: sign(version), siteId: file.gateway.siteId };
  }

  async sites({ organisationId }: Scope) {
    return this.siteList.filter((site) => site.organisationId === organisationId);
  }

  async site(scope: Scope, siteId: string) {
    return (await this.sites(scope)).find((site) => site.siteId === siteId);
  }

  async gateways({ organisationId }: Scope) {
    return this.gatewayList.filter((gateway) => gateway.organisationId === organisationId);
  }

  async alarms({ organisationId }: Scope, filter: Parameters<StateQueries["alarms"]>[1]) {
    return [...this.alarmMap.values()]
      .map(({ alarm }) => alarm)
      .filter((alarm) => alarm.organisationId === organisationId)
      .filter((alarm) => filter.siteId === undefined || alarm.siteId === filter.siteId)
      .filter((alarm) => filter.zoneId === undefined || alarm.zoneId === filter.zoneId)
      .filter((alarm) => filter.incidentId === undefined || alarm.incidentId === filter.incidentId)
      .filter((alarm) => filter.open === undefined || (alarm.state !== "normal") === filter.open)
      .filter((alarm) => filter.fromMs === undefined || (alarm.clearedMs ?? Infinity) >= filter.fromMs)
      .filter((alarm) => filter.toMs === undefined || alarm.raisedMs < filter.toMs)
      .toSorted((a, b) => b.raisedMs - a.raisedMs)
      .slice(0, filter.limit);
  }

  async alarm({ organisationId }: Scope, alarmId: string) {
    const found = this.alarmMap.get(alarmId);
    return found?.alarm.organisationId === organisationId ? found : undefined;
  }

  async alarmRequests({ organisationId }: Scope, alarmId: string): Promise<readonly AlarmRequest[]> {
    const isAbout = ({ action }: Command): boolean => "alarmId" in action && action.alarmId === alarmId;
    const waiting = this.commands
      .filter((one) => one.organisationId === organisationId && isAbout(one.command))
      .map(({ command }): AlarmRequest => ({ command, status: "pending", finishedMs: null, outcome: null }));
    const finished = this.finishedRequests.filter(
      (one) => one.organisationId === organisationId && isAbout(one.command),
    );
    return [...waiting, ...finished].toSorted((a, b) => b.command.issuedAtMs - a.command.issuedAtMs);
  }

  async alarmSteps({ organisationId }: Scope, filter: Parameters<StateQueries["alarmSteps"]>[1]) {
    return [...this.alarmMap.values()]
      .filter(({ alarm }) => alarm.organisationId === organisationId)
      .filter(({ alarm }) => filter.siteId === undefined || alarm.siteId === filter.siteId)
      .filter(({ alarm }) => alarm.clearedMs === null || alarm.clearedMs >= filter.fromMs)
      .flatMap(({ alarm: { gatewayId, siteId }, events }) => events.map((event) => ({ ...event, gatewayId, siteId })))
      .filter(({ timeMs }) => timeMs <= filter.toMs)
      .toSorted((a, b) => b.timeMs - a.timeMs)
      .slice(0, filter.limit);
  }

  async findings({ organisationId }: Scope, filter: Parameters<StateQueries["findings"]>[1]) {
    return this.findingList
      .filter((finding) => finding.organisationId === organisationId)
      .filter((finding) => filter.siteId === undefined || finding.siteId === filter.siteId)
      .filter((finding) => filter.cameraId === undefined || finding.cameraId === filter.cameraId)
      .filter((finding) => filter.fromMs === undefined || finding.lastSeenMs >= filter.fromMs)
      .filter((finding) => filter.toMs === undefined || finding.firstSeenMs < filter.toMs)
      .toSorted((a, b) => b.lastSeenMs - a.lastSeenMs)
      .slice(0, filter.limit);
  }

  async finding({ organisationId }: Scope, findingId: string) {
    return this.findingList.find(
      (finding) => finding.findingId === findingId && finding.organisationId === organisationId,
    );
  }

  async evidence({ organisationId }: Scope, sha256: string) {
    const file = this.files.get(sha256);
    return file?.organisationId === organisationId ? file.info : undefined;
  }

  async cameraHealth({ organisationId }: Scope, filter: Parameters<StateQueries["cameraHealth"]>[1]) {
    const { siteId, cameraId, fromMs, toMs } = filter;
    const events = this.healthHistory
      .filter((one) => one.organisationId === organisationId && one.siteId === siteId && one.timeMs < toMs)
      .filter(({ subject }) => subject === `camera:${cameraId}`)
      .toSorted((a, b) => a.timeMs - b.timeMs);
    const first = Math.max(
      0,
      events.findLastIndex(({ timeMs }) => timeMs < fromMs),
    );
    return { events: events.slice(first), unknown: [] };
  }

  async health({ organisationId }: Scope, siteId: string) {
    return this.healthList.filter((entry) => entry.organisationId === organisationId && entry.siteId === siteId);
  }

  async read(sha256: string) {
    return this.files.get(sha256)?.data;
  }

  async createSite({ organisationId }: Scope, siteId: string) {
    this.siteList.push({ organisationId, siteId, description: null });
  }

  async createToken({ organisationId }: Scope, token: { readonly tokenHash: string; readonly siteId: string }) {
    this.tokens.push({ ...token, organisationId });
  }

  async revokeGateway({ organisationId }: Scope, gatewayId: string, atMs: number) {
    const index = this.gatewayList.findIndex(
      (gateway) => gateway.gatewayId === gatewayId && gateway.organisationId === organisationId,
    );
    const gateway = this.gatewayList[index];
    if (gateway === undefined) return false;
    this.gatewayList[index] = { ...gateway, revokedMs: atMs };
    return true;
  }

  async enqueue(
    { organisationId }: Scope,
    target: { readonly siteId: string; readonly gatewayId: string },
    command: Command,
  ) {
    this.commands.push({ organisationId, ...target, command });
  }

  async pending({ organisationId }: Scope) {
    return this.commands.filter((waiting) => waiting.organisationId === organisationId);
  }
}

/** People and sessions in memory. */
export class MemoryAccounts implements AccountStore {
  readonly organisations: string[] = [];
  readonly users: (User & { passwordHash: string })[] = [];
  readonly sessions = new Map<string, { readonly userId: string; readonly expiresMs: number }>();
  readonly audits: Parameters<AccountStore["audit"]>[0][] = [];

  async organisationCount() {
    return this.organisations.length;
  }

  async createOrganisation({ organisationId }: { readonly organisationId: string }) {
    this.organisations.push(organisationId);
  }

  async createUser(user: User & { readonly passwordHash: string }) {
    this.users.push({ ...user });
  }

  async userByName(name: string) {
    return this.users.find((user) => user.name === name);
  }

  async setPasswordHash(userId: string, passwordHash: string) {
    for (const user of this.users) if (user.userId === userId) user.passwordHash = passwordHash;
  }

  async createSession({ tokenHash, ...session }: Parameters<AccountStore["createSession"]>[0]) {
    this.sessions.set(tokenHash, session);
  }

  async userBySession(tokenHash: string, nowMs: number) {
    const session = this.sessions.get(tokenHash);
    if (session === undefined || session.expiresMs <= nowMs) return undefined;
    return this.users.find((user) => user.userId === session.userId);
  }

  async deleteSession(tokenHash: string) {
    this.sessions.delete(tokenHash);
  }

  async deleteSessionsOf(userId: string) {
    for (const [tokenHash, session] of this.sessions) if (session.userId === userId) this.sessions.delete(tokenHash);
  }

  async audit(entry: Parameters<AccountStore["audit"]>[0]) {
    this.audits.push(entry);
  }
}

/** A sample with everything ordinary but what is given. */
export function sampleOf(given: Pick<Sample, "pointId" | "timeMs" | "value"> & Partial<Sample>): Sample {
  return {
    receivedMs: given.timeMs,
    raw: given.value,
    quality: "good",
    reason: null,
    hasSourceTime: false,
    backfill: false,
    timeCorrected: false,
    ...given,
  };
}

function tracked(command: Command): TrackedCommand {
  return { command, subject: "", status: "pending", finishedMs: null, attempts: 1, outcome: null };
}
