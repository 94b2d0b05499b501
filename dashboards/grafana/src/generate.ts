import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";

import { overviewDashboard } from "./overview-dashboard.ts";
import { datasourceFile, providerFile } from "./provisioning.ts";
import { siteDashboard } from "./site-dashboard.ts";

/** JSON has no comments: the dashboard's own description says it, on the first line of the file. */
const description = "Generated from dashboards/grafana/src by npm run generate: change it there.";

/** Every generated file: path below dashboards/grafana → content. */
export function generateAll(): Map<string, string> {
  return new Map([
    ["provisioning/datasources/frostlight.generated.yaml", datasourceFile()],
    ["provisioning/dashboards/frostlight.generated.yaml", providerFile()],
    ["provisioning/dashboards/overview.generated.json", toJson(overviewDashboard(description))],
    ["provisioning/dashboards/site.generated.json", toJson(siteDashboard(description))],
  ]);
}

function toJson(dashboard: Dashboard): string {
  const { description: first, ...rest } = dashboard;
  return `${JSON.stringify({ description: first, ...rest }, null, 2).replace("{\n  ", "{ ")}\n`;
}
