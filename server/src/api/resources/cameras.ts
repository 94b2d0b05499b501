import type { Scope, Site } from "../../core/records.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { healthOfCamera } from "../overview/overview-service.ts";
import { cameraList, problem } from "../schemas.ts";
import { viewsOfFindings } from "./findings.ts";

const dayMs = 86_400_000;
/** Findings shown on a camera's tile, and the most that are counted for its day. */
const shownFindings = 6;
const countedFindings = 500;

/** The cameras of all sites with their newest findings. */
export function cameraRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, clock } = ports;
  app.get(
    "/cameras",
    {
      config: { permission: "read" },
      schema: { summary: "Cameras with health and newest findings", response: { 200: cameraList, 401: problem } },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const nowMs = clock.nowMs();
      const sites = await state.sites(scope);
      const cameras = await Promise.all(sites.map((site) => camerasOf(state, scope, site, nowMs)));
      return { nowMs, cameras: cameras.flat() };
    },
  );
}

async function camerasOf(state: ApiPorts["state"], scope: Scope, site: Site, nowMs: number) {
  const { siteId, description } = site;
  if (description === null || description.cameras.length === 0) return [];
  const health = await state.health(scope, siteId);
  return await Promise.all(
    description.cameras.map(async ({ cameraId, zoneId, name }) => {
      const zone = description.zones.find((candidate) => candidate.zoneId === zoneId);
      const newest = await state.findings(scope, { siteId, cameraId, limit: countedFindings });
      return {
        siteId,
        zoneId,
        zoneName: zone?.name ?? { zh: zoneId, en: zoneId },
        cameraId,
        name,
        health: healthOfCamera(health, cameraId),
        findings: await viewsOfFindings(state, scope, newest.slice(0, shownFindings)),
        findingsLastDay: newest.filter((entry) => nowMs - entry.lastSeenMs < dayMs).length,
      };
    }),
  );
}
