import { contractLimits, type SiteDescription } from "@frostlight/contract";
import { z } from "zod";

import type { GatewayFile, TrackedCommand } from "../../core/gateway-records.ts";
import type { EpochState } from "../../core/ingest.ts";
import type { SubjectHealth } from "../../core/records.ts";
import { ApiError, notFound } from "../api-error.ts";
import { askGateway } from "../ask-gateway.ts";
import { type ApiInstance, type ApiPorts, type Caller, callerOf } from "../context.ts";
import {
  approvalRequest,
  calibrationRequest,
  configurationRequest,
  configurationText,
  gatewayFile,
  requested,
} from "../gateway-schemas.ts";
import { identifier, problem } from "../schemas.ts";

/** Holes in the chain younger than this may still be filled by what is on its way. */
const gapAgeMs = 60_000;
const params = z.object({ gatewayId: identifier });
const refusals = { 400: problem, 401: problem, 403: problem, 404: problem, 409: problem } as const;

/** One gateway: all that is known of it, and what can be asked of it. */
export function gatewayFileRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, authority, clock, random } = ports;

  app.get(
    "/gateways/:gatewayId",
    {
      config: { permission: "read" },
      schema: {
        summary: "One gateway: certificates, journal, changes, requests, configuration, calibrations",
        params,
        response: { 200: gatewayFile, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const file = await fileOf(ports, callerOf(request), request.params.gatewayId);
      const health = (await state.health(scope, file.gateway.siteId)).filter(
        ({ gatewayId }) => gatewayId === file.gateway.gatewayId,
      );
      const { gateway, description, certificates, changes, configurations } = file;
      return {
        nowMs: clock.nowMs(),
        gateway: { ...gateway, softwareVersion: description?.softwareVersion ?? null, health },
        refusedAttempts: gateway.refusedAttempts,
        lastRefusedMs: gateway.lastRefusedMs,
        certificates,
        epochs: file.epochs.map(viewOfEpoch),
        commands: file.commands.flatMap(viewOfCommand),
        changes,
        configurations,
        configuration: description?.configuration ?? null,
        points: pointsOf(description),
        approvals: approvalsOf(health),
      };
    },
  );

  app.get(
    "/gateways/:gatewayId/configurations/:version",
    {
      config: { permission: "read" },
      schema: {
        summary: "The text of a configuration that was sent",
        params: params.extend({ version: z.coerce.number().int().min(1) }),
        response: { 200: configurationText, 400: problem, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { gatewayId, version } = request.params;
      const yaml = await state.configurationText(callerOf(request).scope, gatewayId, version);
      if (yaml === undefined) throw notFound(`version ${version} of gateway ${gatewayId}`);
      return { version, yaml };
    },
  );

  app.post(
    "/gateways/:gatewayId/configurations",
    {
      // JSON may write one character as six.
      bodyLimit: contractLimits.configurationLength * 6,
      config: { permission: "administer" },
      schema: {
        summary: "Send a configuration; the gateway checks it, tries it, and keeps it if it stays connected",
        params,
        body: configurationRequest,
        response: { 202: requested, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { gatewayId } = request.params;
      const { yaml, reason } = request.body;
      await openFileOf(ports, caller, gatewayId);
      if (authority === undefined) throw new ApiError(409, "no-authority", "this server signs no configurations");
      const commandId = random.uuid();
      const draft = { gatewayId, yaml, author: caller.user.name, reason, createdMs: clock.nowMs(), commandId };
      const kept = await state.addConfiguration(caller.scope, draft, (version) =>
        authority.signConfiguration(gatewayId, version, yaml),
      );
      if (kept === undefined) throw notFound(`gateway ${gatewayId}`);
      const { version, signature, siteId } = kept;
      const action = { kind: "apply-configuration", version, yaml, signature, reason } as const;
      const asked = await askGateway(ports, caller, {
        siteId,
        gatewayId,
        commandId,
        action,
        detail: `${gatewayId} version ${version}`,
      });
      return reply.code(202).send(asked);
    },
  );

  app.post(
    "/gateways/:gatewayId/calibrations",
    {
      config: { permission: "calibrate-points" },
      schema: {
        summary: "Change a point's calibration; in force when the gateway's record of it comes back",
        params,
        body: calibrationRequest,
        response: { 202: requested, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { gatewayId } = request.params;
      const { pointId, reason, ...calibration } = request.body;
      const { gateway, description } = await openFileOf(ports, caller, gatewayId);
      if (!pointsOf(description).some((point) => point.pointId === pointId)) throw notFound(`point ${pointId}`);
      const action = { kind: "set-calibration", pointId, calibration, reason } as const;
      const { siteId } = gateway;
      return reply
        .code(202)
        .send(await askGateway(ports, caller, { siteId, gatewayId, action, detail: `${gatewayId} ${pointId}` }));
    },
  );

  app.post(
    "/gateways/:gatewayId/approvals",
    {
      config: { permission: "administer" },
      schema: {
        summary: "Approve a certificate that a source of the gateway has met and that waits",
        params,
        body: approvalRequest,
        response: { 202: requested, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { gatewayId } = request.params;
      const { sourceId, fingerprintSha256, reason } = request.body;
      const { gateway } = await openFileOf(ports, caller, gatewayId);
      const { siteId } = gateway;
      const health = await state.health(caller.scope, siteId);
      const waiting = approvalsOf(health.filter((entry) => entry.gatewayId === gatewayId));
      // Nobody approves what no gateway has seen.
      const isWaiting = waiting.some(
        (card) => card.sourceId === sourceId && card.fingerprintSha256 === fingerprintSha256,
      );
      if (!isWaiting) throw notFound(`a certificate ${fingerprintSha256} of ${sourceId} that waits`);
      const action = { kind: "approve-certificate", sourceId, fingerprintSha256, reason } as const;
      const detail = `${gatewayId} ${sourceId} ${fingerprintSha256}`;
      return reply.code(202).send(await askGateway(ports, caller, { siteId, gatewayId, action, detail }));
    },
  );
}

async function fileOf({ state, clock }: ApiPorts, { scope }: Caller, gatewayId: string): Promise<GatewayFile> {
  const file = await state.gatewayFile(scope, gatewayId, clock.nowMs() - gapAgeMs);
  if (file === undefined) throw notFound(`gateway ${gatewayId}`);
  return file;
}

/** The file of a gateway that can be asked for something. */
async function openFileOf(ports: ApiPorts, caller: Caller, gatewayId: string): Promise<GatewayFile> {
  const file = await fileOf(ports, caller, gatewayId);
  if (file.gateway.revokedMs !== null) throw new ApiError(409, "gateway-revoked", `gateway ${gatewayId} was revoked`);
  return file;
}

function viewOfEpoch(epoch: EpochState) {
  const size = ({ fromSequence, toSequence }: EpochState["gaps"][number]): number => toSequence - fromSequence + 1;
  const explained = epoch.gaps.filter(({ explainedBy }) => explainedBy !== null);
  return {
    ...epoch,
    missing: epoch.gaps.reduce((sum, gap) => sum + size(gap), 0),
    explained: explained.reduce((sum, gap) => sum + size(gap), 0),
  };
}

function viewOfCommand({ command, ...tracked }: TrackedCommand) {
  const { commandId, actor, issuedAtMs, action } = command;
  const { kind } = action;
  if (kind !== "set-calibration" && kind !== "approve-certificate" && kind !== "apply-configuration") return [];
  return [{ ...tracked, commandId, actor, issuedAtMs, kind, reason: action.reason }];
}

function pointsOf(description: SiteDescription | null) {
  const zones = new Map(description?.zones.map((zone) => [zone.zoneId, zone.name]));
  return (description?.points ?? []).map(({ pointId, zoneId, name, unit, calibration }) => ({
    pointId,
    name,
    zoneName: zones.get(zoneId) ?? null,
    unit,
    calibration: calibration ?? null,
  }));
}

/** Cards of certificates that wait: each source tells its newest. */
function approvalsOf(health: readonly SubjectHealth[]) {
  return health.flatMap(({ subject, state, timeMs, explanation }) => {
    const fingerprint = explanation.parameters["fingerprint"];
    const sourceId = /^certificate:(.+)$/.exec(subject)?.[1];
    if (sourceId === undefined || state !== "waiting" || typeof fingerprint !== "string") return [];
    return [{ sourceId, fingerprintSha256: fingerprint, sinceMs: timeMs, explanation }];
  });
}
