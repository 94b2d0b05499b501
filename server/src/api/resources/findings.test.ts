import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { StoredFinding } from "../../core/records.ts";
import { type ApiBench, openApiBench } from "../testing/api-bench.ts";
import { addSampleSite } from "../testing/sample-site.ts";

let api: ApiBench;
let finding: StoredFinding;

beforeEach(async () => {
  api = await openApiBench();
  ({ finding } = addSampleSite(api.state, "a", "school", Uint8Array.of(1)));
});

afterEach(async () => {
  await api.app.close();
});

function judge(payload: object, as: string, findingId = finding.findingId) {
  return api.ask({ method: "POST", url: `/api/v1/findings/${findingId}/verdict`, as, payload });
}

describe("a verdict on a finding", () => {
  it("goes to its gateway in the person's name, is audited, and shows as on its way until the gateway has it", async () => {
    expect((await judge({ verdict: "false", comment: "a chef" }, "olga")).statusCode).toBe(202);
    expect(api.state.commands).toMatchObject([
      {
        gatewayId: finding.gatewayId,
        command: {
          actor: "olga",
          action: { kind: "judge-finding", findingId: finding.findingId, verdict: "false", comment: "a chef" },
        },
      },
    ]);
    expect(api.accounts.audits).toMatchObject([{ actor: "olga", action: "judge-finding-requested" }]);
    const shown = async () => (await api.ask({ url: `/api/v1/findings/${finding.findingId}`, as: "vera" })).json();
    expect(await shown()).toMatchObject({ verdict: null, verdictRequest: { verdict: "false", status: "pending" } });
    api.state.verdicts.set(finding.findingId, { verdict: "false", actor: "olga", comment: "a chef", timeMs: 1 });
    expect(await shown()).toMatchObject({ verdict: { verdict: "false", actor: "olga", comment: "a chef" } });
    const list = (await api.ask({ url: "/api/v1/findings", as: "vera" })).json();
    expect(list.findings[0].verdict).toMatchObject({ verdict: "false" });
  });

  it("is for those who may judge, of findings they may see, and one of three", async () => {
    expect((await judge({ verdict: "true" }, "vera")).statusCode).toBe(403);
    expect((await judge({ verdict: "perhaps" }, "olga")).statusCode).toBe(400);
    expect((await judge({ verdict: "true" }, "olga", "finding-elsewhere")).statusCode).toBe(404);
    expect(api.state.commands).toEqual([]);
  });
});

describe("teaching from afar", () => {
  const teach = (request: object, as: string, gatewayId = finding.gatewayId) =>
    api.ask({ method: "POST", url: `/api/v1/gateways/${gatewayId}/teaching`, as, payload: { request } });
  const picture = { kind: "evidence", cameraId: "kitchen", sha256: "a".repeat(64) };
  const region = { left: 0.1, top: 0.1, right: 0.2, bottom: 0.3 };

  it("sends the step as the gateway's own page does, and shows what the gateway recorded", async () => {
    const step = { kind: "mark", thing: "hat", picture, region, answer: "yes" };
    expect((await teach(step, "olga")).statusCode).toBe(202);
    const [sent] = api.state.commands;
    if (sent?.command.action.kind !== "teach") throw new Error("no step was sent");
    expect(JSON.parse(sent.command.action.requestJson)).toEqual(step);
    const change = { subject: "taught:hat", what: "teaching", before: "0 yes, 0 no", after: "1 yes, 0 no" } as const;
    const record = { ...change, author: "olga", reason: "", timeMs: 2, commandId: "c", siteId: "school" };
    api.state.gatewayFiles.set(finding.gatewayId, { changes: [record] });
    const shown = (await api.ask({ url: `/api/v1/gateways/${finding.gatewayId}/teaching`, as: "vera" })).json();
    expect(shown).toMatchObject({
      changes: [{ thing: "hat", after: "1 yes, 0 no", author: "olga" }],
      requests: [{ thing: "hat", step: "mark", status: "pending", actor: "olga" }],
    });
  });

  it("refuses viewers, unknown gateways, and steps that must be done at the site", async () => {
    expect((await teach({ kind: "fit", thing: "hat" }, "vera")).statusCode).toBe(403);
    expect((await teach({ kind: "fit", thing: "hat" }, "olga", "gateway-elsewhere")).statusCode).toBe(404);
    expect((await teach({ kind: "export", thing: "hat" }, "olga")).statusCode).toBe(400);
    const frame = { kind: "frame", cameraId: "kitchen", frameId: "f" };
    const mark = { kind: "mark", thing: "hat", picture: frame, region, answer: "yes" };
    expect((await teach(mark, "olga")).statusCode).toBe(400);
    expect(api.state.commands).toEqual([]);
  });
});
