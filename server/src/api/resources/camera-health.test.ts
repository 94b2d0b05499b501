import { afterEach, beforeEach, expect, it } from "vitest";

import { type ApiBench, openApiBench } from "../testing/api-bench.ts";
import { addSampleSite } from "../testing/sample-site.ts";

const hourMs = 3_600_000;
let api: ApiBench;
let sha256: string;

beforeEach(async () => {
  api = await openApiBench();
  ({ sha256 } = addSampleSite(api.state, "a", "school", Uint8Array.of(1)));
  const nowMs = api.clock.nowMs();
  const told = (state: string, hoursAgo: number, more: object = {}): void => {
    api.state.healthHistory.push({
      organisationId: "a",
      siteId: "school",
      gatewayId: "gateway-school",
      subject: "camera:kitchen",
      state,
      timeMs: nowMs - hoursAgo * hourMs,
      explanation: { code: `camera-${state}`, parameters: {} },
      ...more,
    });
  };
  const picture = { mediaType: "image/jpeg", sizeBytes: 1 };
  told("ok", 2_000);
  told("covered", 5, {
    evidence: [
      { ...picture, sha256, role: "before" },
      { ...picture, sha256: "c".repeat(64), role: "after" },
    ],
  });
  told("ok", 3);
});

afterEach(async () => {
  await api.app.close();
});

const ask = (path: string, as = "vera") => api.ask({ url: `/api/v1/sites/${path}/health?days=7`, as });

it("tells how much of its hours a camera was in order, and its faults with pictures that have or have not come", async () => {
  const { days, faults, operatingHours } = (await ask("school/cameras/kitchen")).json();
  expect(operatingHours).toBeNull();
  expect(days).toHaveLength(7);
  const sum = (key: string): number =>
    days.reduce((total: number, day: Record<string, number>) => total + (day[key] ?? 0), 0);
  expect(sum("faultyMs")).toBe(2 * hourMs);
  expect(sum("unknownMs")).toBe(0);
  expect(sum("healthyMs")).toBe(sum("operatingMs") - 2 * hourMs);
  expect(faults).toMatchObject([
    {
      state: "covered",
      evidence: [
        { role: "before", stored: true },
        { role: "after", stored: false },
      ],
    },
  ]);
  expect(faults[0].untilMs - faults[0].timeMs).toBe(2 * hourMs);
});

it("counts the time since its gateway was heard as unknown, whatever another gateway of the site says", async () => {
  const [gateway] = api.state.gatewayList;
  if (gateway === undefined) throw new Error("no gateway");
  api.state.gatewayList.push({ ...gateway, gatewayId: "gateway-other" });
  api.state.gatewayList[0] = { ...gateway, connected: false, lastSeenMs: api.clock.nowMs() - hourMs };
  const { days } = (await ask("school/cameras/kitchen")).json();
  const unknownMs = days.reduce((total: number, day: { unknownMs: number }) => total + day.unknownMs, 0);
  expect(unknownMs).toBe(hourMs);
});

it("knows only cameras of the caller's own sites", async () => {
  expect((await ask("school/cameras/other")).statusCode).toBe(404);
  expect((await ask("depot/cameras/kitchen")).statusCode).toBe(404);
  expect((await api.ask({ url: "/api/v1/sites/school/cameras/kitchen/health" })).statusCode).toBe(401);
});

it("asks the camera's gateway to learn anew, for those who may, and shows the request until the gateway's record is there", async () => {
  const learn = (payload: object, as: string, path = "school/cameras/kitchen") =>
    api.ask({ method: "POST", url: `/api/v1/sites/${path}/learning`, as, payload });
  const wish = { what: "health", reason: "moved above the door" };
  expect((await learn(wish, "olga")).statusCode).toBe(403);
  expect((await learn({ ...wish, reason: " " }, "ann")).statusCode).toBe(400);
  expect((await learn(wish, "ann", "school/cameras/other")).statusCode).toBe(404);
  expect((await learn(wish, "bob")).statusCode).toBe(404);
  expect(api.state.commands).toEqual([]);
  expect((await learn(wish, "ann")).statusCode).toBe(202);
  const [sent] = api.state.commands;
  if (sent?.command.action.kind !== "teach") throw new Error("nothing was sent");
  expect(JSON.parse(sent.command.action.requestJson)).toEqual({ kind: "learn-anew", cameraId: "kitchen", ...wish });
  expect(api.accounts.audits).toMatchObject([{ actor: "ann", action: "learn-anew-requested" }]);
  api.state.healthList.push({
    organisationId: "a",
    siteId: "school",
    gatewayId: sent.gatewayId,
    subject: "camera:kitchen",
    state: "moved",
    timeMs: 1,
    explanation: { code: "camera-moved", parameters: {} },
  });
  const shown = async () => (await ask("school/cameras/kitchen")).json().learning;
  expect(await shown()).toMatchObject([{ what: "health", status: "pending", actor: "ann", reason: wish.reason }]);
  api.state.commands.splice(0);
  const record = { subject: "camera:kitchen", what: "teaching", before: "", author: "ann" } as const;
  const after = "the normal picture is learnt anew";
  const made = { ...record, after, reason: wish.reason, timeMs: 2, commandId: "c", siteId: "school" };
  api.state.gatewayFiles.set(sent.gatewayId, { changes: [made] });
  expect(await shown()).toMatchObject([{ what: "health", status: "done", actor: "ann", reason: wish.reason }]);
  const learnt = {
    ...made,
    after: "the normal picture is learnt: 20 frames",
    author: "gateway",
    reason: "",
    timeMs: 3,
  };
  api.state.gatewayFiles.set(sent.gatewayId, { changes: [learnt, made] });
  expect(await shown()).toMatchObject([
    { what: "health", isLearnt: true },
    { what: "health", isLearnt: false, status: "done" },
  ]);
  const { changes } = (await api.ask({ url: `/api/v1/gateways/${sent.gatewayId}/teaching`, as: "vera" })).json();
  expect(changes).toEqual([]);
});
