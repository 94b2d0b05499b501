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

  it("shows what was marked on the pictures it has, within the scope, and names what only the gateway has", async () => {
    const [reference] = finding.evidence;
    if (reference === undefined) throw new Error("no picture");
    api.state.findingList.splice(0, 1, { ...finding, evidence: [{ ...reference, role: "original" }] });
    const { sha256 } = reference;
    const step = { kind: "mark", thing: "hat", picture: { ...picture, sha256 }, region, answer: "yes" };
    expect((await teach(step, "olga")).statusCode).toBe(202);
    const commandId = api.state.commands[0]?.command.commandId ?? "";
    const record = { subject: "taught:hat", what: "teaching", before: "", author: "olga", reason: "" } as const;
    const of = (after: string, timeMs: number, own: string | null = null) => ({
      ...record,
      after,
      timeMs,
      commandId: own,
      siteId: "school",
    });
    const version = "version 1 (3 yes, 2 no, AUROC 0.900, accuracy 0.800) fitted";
    const changes = [
      of(`${version}, most wrong: aaaaaaaaaaaa, bbbbbbbbbbbb`, 9),
      of("2 yes, 2 no: dddddddddddd removed", 8),
      of(`3 yes, 2 no: cccccccccccc is yes from the verdict on finding ${finding.findingId}`, 7),
      of("2 yes, 2 no: bbbbbbbbbbbb is no", 6),
      of("2 yes, 1 no: dddddddddddd is yes", 5),
      of("1 yes, 1 no: aaaaaaaaaaaa is yes", 4, commandId),
      of(`0 yes, 1 no: eeeeeeeeeeee is no from the verdict on finding ${finding.findingId}`, 3),
      of("removed", 2),
      of("1 yes, 0 no: ffffffffffff is yes", 1),
    ];
    api.state.gatewayFiles.set(finding.gatewayId, { changes });
    const url = `/api/v1/gateways/${finding.gatewayId}/teaching`;
    const shown = (await api.ask({ url, as: "vera" })).json();
    expect(shown.changes[0].mistakes).toEqual(["aaaaaaaaaaaa", "bbbbbbbbbbbb"]);
    const whole = { left: 0, top: 0, right: 1, bottom: 1 };
    expect(shown.marks).toMatchObject([
      { crop: "cccccccccccc", answer: "yes", findingId: finding.findingId, picture: { sha256, region: whole } },
      { crop: "bbbbbbbbbbbb", answer: "no", picture: null },
      { crop: "aaaaaaaaaaaa", answer: "yes", picture: { sha256, region } },
    ]);
    api.state.files.clear();
    const without = (await api.ask({ url, as: "vera" })).json();
    expect(without.marks.map((mark: { readonly picture: unknown }) => mark.picture)).toEqual([null, null, null]);
    expect((await api.ask({ url, as: "bob" })).statusCode).toBe(404);
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
