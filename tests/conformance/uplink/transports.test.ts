import type { Command } from "@frostlight/contract";
import { afterEach, describe, expect, it } from "vitest";

import { until } from "../../faults/uplink-rig.ts";
import { connected, kinds, numbers, released, startTransportRig, type TransportRig, values } from "./harness.ts";

const command: Command = {
  commandId: "c-1",
  actor: "li",
  issuedAtMs: 1,
  action: { kind: "acknowledge-alarm", alarmId: "a-1", comment: "" },
};

let open: TransportRig | undefined;
afterEach(async () => {
  await open?.stopAll();
  open = undefined;
});

describe.each(kinds)(
  "a transport of kind %s",
  (kind) => {
    const start = async (uplink: Readonly<Record<string, unknown>> = {}): Promise<TransportRig> => {
      open = await startTransportRig(kind, uplink);
      return open;
    };
    const once = (from: number, to: number): readonly number[] => numbers(from, to).map(() => 1);
    const deliveries = (rig: TransportRig, from: number, to: number) =>
      numbers(from, to).map((sequence) => rig.server.deliveries.get(sequence));

    it("delivers every batch once, in order, and releases what the server stored", async () => {
      const rig = await start();
      await connected(rig);
      await rig.append(1, 60);
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 60));
      expect(deliveries(rig, 1, 60)).toEqual(once(1, 60));
      expect(rig.uplink.status()).toMatchObject({ unackedBatches: 0, refusedBatches: 0, lastError: null });
    });

    it("releases nothing without the server's word", async () => {
      const rig = await start();
      rig.server.verdict = () => undefined;
      await rig.append(1, 3);
      await until(() => rig.server.deliveries.size === 3);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(rig.journal.stats().unreleasedBatches).toBe(3);
    });

    it("keeps and counts a refused batch and goes on with the others", async () => {
      const rig = await start();
      rig.server.verdict = (batch) => (batch.sequence === 2 ? "refused" : "stored");
      await rig.append(1, 6);
      await until(() => rig.journal.stats().unreleasedBatches === 1);
      expect(rig.uplink.status().refusedBatches).toBe(1);
      expect(rig.server.deliveries.get(2)).toBe(1);
      expect(await rig.journal.read(2)).toBeDefined();
    });

    it("sends again later what the server could not store now", async () => {
      const rig = await start();
      let isDown = true;
      rig.server.verdict = () => (isDown ? "retry-later" : "stored");
      await rig.append(1, 20);
      await until(() => rig.server.deliveries.size > 0);
      isDown = false;
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 20));
    });

    it("sends again what got no answer", async () => {
      const rig = await start({ ackTimeoutMs: 1_000 });
      rig.server.verdict = (_, count) => (count === 1 ? undefined : "stored");
      await rig.append(1, 4);
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 4));
    });

    it("resumes after an outage with what is new first and the rest behind, and sends nothing again that was acknowledged", async () => {
      const rig = await start({ window: 8 });
      await connected(rig);
      await rig.append(1, 30);
      await released(rig);
      await rig.link.cut();
      await until(() => rig.uplink.status().state === "offline");
      await rig.append(31, 230);
      const seen: number[] = [];
      rig.server.verdict = (batch) => {
        seen.push(batch.sequence);
        // Something new happens while the back-fill is going on.
        if (seen.length === 10) void rig.append(231, 231);
        return "stored";
      };
      await rig.link.restore();
      await until(() => rig.journal.lastSequence === 231 && rig.journal.stats().unreleasedBatches === 0);
      expect(values(rig.server.stored)).toEqual(numbers(1, 231));
      expect(deliveries(rig, 1, 30)).toEqual(once(1, 30));
      expect(seen.filter((sequence) => sequence !== 231)).toEqual(numbers(31, 230));
      expect(seen.indexOf(231)).toBeLessThan(150);
    });

    it("loses nothing and doubles nothing when the link is cut in the middle, again and again", async () => {
      const rig = await start({ window: 16 });
      await connected(rig);
      for (let round = 0; round < 4; round += 1) {
        await rig.append(round * 50 + 1, round * 50 + 50);
        rig.link.resetConnections();
      }
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 200));
    });

    it("notices a link on which no byte moves any more and replaces it", async () => {
      const rig = await start();
      await connected(rig);
      await rig.append(1, 5);
      await released(rig);
      rig.link.blackhole();
      await rig.append(6, 12);
      await until(() => rig.uplink.status().state !== "connected");
      await rig.link.restore();
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 12));
    });

    it("comes back when the server still believes in the old connection", async () => {
      const rig = await start();
      await connected(rig);
      await rig.append(1, 5);
      rig.link.halfOpen();
      await rig.append(6, 12);
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 12));
    });

    it("works over a starved link", async () => {
      const rig = await start();
      await connected(rig);
      rig.link.starve(20_000);
      await rig.append(1, 40);
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 40));
      expect(deliveries(rig, 1, 40)).toEqual(once(1, 40));
    });

    it("comes back after a restart of the server that forgot every connection and session", async () => {
      const rig = await start();
      await rig.append(1, 10);
      await released(rig);
      await rig.server.restart();
      await rig.append(11, 20);
      await released(rig);
      expect(values(rig.server.stored)).toEqual(numbers(1, 20));
    });

    it("sends after a restart of the gateway only what was not acknowledged", async () => {
      const rig = await start();
      await rig.append(1, 10);
      await released(rig);
      await rig.restartGateway();
      await rig.append(11, 12);
      await released(rig);
      expect(deliveries(rig, 1, 12)).toEqual(once(1, 12));
    });

    it("brings commands down, also one that was sent while the link was away", async () => {
      const rig = await start();
      await connected(rig);
      rig.server.sendCommand(rig.gatewayId, command);
      await until(() => rig.commands.length >= 1);
      await rig.link.cut();
      await until(() => rig.uplink.status().state === "offline");
      rig.server.sendCommand(rig.gatewayId, { ...command, commandId: "c-2" });
      await rig.link.restore();
      await until(() => rig.commands.some(({ commandId }) => commandId === "c-2"));
      expect(rig.commands[0]).toEqual(command);
    });

    it("a command that cannot be carried out does not end the link", async () => {
      const rig = await start();
      await connected(rig);
      rig.onCommand = () => Promise.reject(new Error("the journal is full"));
      rig.server.sendCommand(rig.gatewayId, command);
      await until(() => rig.commands.length >= 1);
      await rig.append(1, 3);
      await released(rig);
      expect(rig.uplink.status().state).toBe("connected");
    });
  },
  120_000,
);
