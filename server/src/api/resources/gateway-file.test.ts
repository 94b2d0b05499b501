import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { type ApiBench, openApiBench } from "../testing/api-bench.ts";
import { addSampleSite } from "../testing/sample-site.ts";

const gatewayId = "gateway-school";
const base = `/api/v1/gateways/${gatewayId}`;
const fingerprint = "ab".repeat(32);
let api: ApiBench;

beforeEach(async () => {
  api = await openApiBench();
  addSampleSite(api.state, "a", "school", Uint8Array.from([0xff, 0xd8, 0xff]));
  api.state.healthList.push({
    organisationId: "a",
    siteId: "school",
    gatewayId,
    subject: "certificate:plc",
    state: "waiting",
    timeMs: 5,
    explanation: { code: "certificate-waiting", parameters: { fingerprint, subject: "CN=plc" } },
  });
});
afterEach(() => api.app.close());

const post = (path: string, payload: object, as = "ann") =>
  api.ask({ method: "POST", url: `${base}/${path}`, as, payload });

describe("a gateway's file", () => {
  it("tells what waits for approval and which calibrations are in force", async () => {
    const answer = await api.ask({ url: base, as: "vera" });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      gateway: { gatewayId, softwareVersion: "0.1.0" },
      approvals: [{ sourceId: "plc", fingerprintSha256: fingerprint, sinceMs: 5 }],
      points: [{ pointId: "freezer/air", calibration: null }, {}, {}],
      configuration: null,
    });
  });

  it("says how complete each epoch of the journal has come", async () => {
    const gap = { fromSequence: 2, toSequence: 4, sinceMs: 1, explainedBy: null };
    const fault = { kind: "duplicate", count: 7, firstMs: 1, lastMs: 2, lastSequence: 3 };
    const epoch = { epoch: "00aa", lastSequence: 9, batches: 5, samples: 1, firstReceivedMs: 1, lastReceivedMs: 2 };
    const gaps = [gap, { ...gap, fromSequence: 6, toSequence: 6, explainedBy: "journal-batches-lost" }];
    api.state.gatewayFiles.set(gatewayId, { epochs: [{ ...epoch, gaps, faults: [fault] }] });
    const { epochs } = (await api.ask({ url: base, as: "vera" })).json();
    expect(epochs).toEqual([
      { ...epoch, missing: 4, explained: 1, faults: [{ kind: "duplicate", count: 7, lastMs: 2 }] },
    ]);
  });

  it("signs a configuration under the next version and puts it into the outbox, with an audit entry", async () => {
    const first = await post("configurations", { yaml: "a: 1", reason: "new probe" });
    expect(first.statusCode).toBe(202);
    await post("configurations", { yaml: "a: 2", reason: "typo mended" });
    expect(api.state.commands.map(({ command }) => command.action)).toMatchObject([
      { kind: "apply-configuration", version: 1, yaml: "a: 1", reason: "new probe" },
      { kind: "apply-configuration", version: 2, yaml: "a: 2", reason: "typo mended" },
    ]);
    expect(api.state.commands[0]?.command).toMatchObject({ commandId: first.json().commandId, actor: "ann" });
    expect(api.accounts.audits.at(-1)).toMatchObject({ action: "apply-configuration-requested", actor: "ann" });
    const text = await api.ask({ url: `${base}/configurations/1`, as: "vera" });
    expect(text.json()).toEqual({ version: 1, yaml: "a: 1" });
    expect((await api.ask({ url: `${base}/configurations/9`, as: "vera" })).statusCode).toBe(404);
  });

  it("takes configurations far above the size of other requests, up to the contract's limit", async () => {
    const large = "# 冷库\n".repeat(20_000).slice(0, 120_000);
    expect((await post("configurations", { yaml: large, reason: "large" })).statusCode).toBe(202);
    expect((await post("configurations", { yaml: "x".repeat(131_073), reason: "larger" })).statusCode).toBe(400);
  });

  it("asks for a calibration of a point that the gateway has, and of no other", async () => {
    const calibration = { offset: -0.3, slope: 1, certificate: "CAL-7", dueMs: 1_900_000_000_000 };
    const good = { pointId: "freezer/air", ...calibration, reason: "yearly calibration" };
    expect((await post("calibrations", good)).statusCode).toBe(202);
    expect(api.state.commands.at(-1)?.command.action).toEqual({
      kind: "set-calibration",
      pointId: "freezer/air",
      calibration,
      reason: "yearly calibration",
    });
    expect((await post("calibrations", { ...good, pointId: "elsewhere" })).statusCode).toBe(404);
    expect((await post("calibrations", { ...good, slope: 0 })).statusCode).toBe(400);
    expect((await post("calibrations", { ...good, reason: "  " })).statusCode).toBe(400);
    expect((await post("calibrations", good, "olga")).statusCode).toBe(403);
  });

  it("approves only a certificate that the gateway has met and that waits", async () => {
    const card = { sourceId: "plc", fingerprintSha256: fingerprint, reason: "compared on site" };
    expect((await post("approvals", card)).statusCode).toBe(202);
    expect(api.state.commands.at(-1)?.command.action).toMatchObject({
      kind: "approve-certificate",
      fingerprintSha256: fingerprint,
    });
    expect((await post("approvals", { ...card, fingerprintSha256: "cd".repeat(32) })).statusCode).toBe(404);
    expect((await post("approvals", { ...card, sourceId: "other" })).statusCode).toBe(404);
    expect((await post("approvals", { ...card, fingerprintSha256: "AB" })).statusCode).toBe(400);
  });

  it("asks a revoked gateway for nothing", async () => {
    await post("revocation", {});
    expect((await post("configurations", { yaml: "a: 1", reason: "too late" })).json().code).toBe("gateway-revoked");
    expect(api.state.commands).toEqual([]);
  });

  it("shows what became of requests, with the reason of a failure", async () => {
    const action = {
      kind: "apply-configuration",
      version: 1,
      yaml: "",
      signature: new Uint8Array(),
      reason: "r",
    } as const;
    const outcome = { code: "configuration-invalid", parameters: { problems: "zones: expected a list" } };
    const command = { commandId: "c1", actor: "ann", issuedAtMs: 1, action };
    const tracked = {
      command,
      subject: "configuration",
      status: "failed",
      finishedMs: 2,
      attempts: 1,
      outcome,
    } as const;
    api.state.gatewayFiles.set(gatewayId, { commands: [tracked] });
    const { commands } = (await api.ask({ url: base, as: "vera" })).json();
    expect(commands).toEqual([
      {
        commandId: "c1",
        kind: "apply-configuration",
        subject: "configuration",
        actor: "ann",
        reason: "r",
        issuedAtMs: 1,
        status: "failed",
        finishedMs: 2,
        outcome,
      },
    ]);
  });
});
