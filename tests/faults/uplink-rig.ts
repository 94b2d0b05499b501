import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Command } from "@frostlight/contract";
import { type Part, silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import type { EvidenceSpool } from "../../gateway/src/core/journal.ts";
import type { UplinkStatus } from "../../gateway/src/core/status.ts";
import { type Journal, journalOptions, openEvidenceSpool, openJournal } from "../../gateway/src/journal/index.ts";
import { sampleItem } from "../../gateway/src/journal/testing/journal-fixture.ts";
import { createUplink, openIdentity, uplinkOptions } from "../../gateway/src/uplink/index.ts";
import { startUplinkServer, type UplinkServer } from "../sims/uplink-server.ts";

/** The durable half of a gateway (identity, journal, evidence, uplink) and a pretended server. */
export interface UplinkRig {
  readonly server: UplinkServer;
  readonly journal: Journal;
  readonly evidence: EvidenceSpool;
  readonly uplink: Part & { status(): UplinkStatus };
  readonly gatewayId: string;
  readonly identityFolder: string;
  readonly commands: Command[];
  /** Replaces what a command does; default: nothing. */
  onCommand: (command: Command) => Promise<void>;
  /** Appends batches of one sample with these values. */
  append(from: number, to: number): Promise<void>;
  /** Ends the uplink and the journal and opens them again, as a restart of the process would. */
  restartGateway(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRig(
  settings: {
    readonly uplink?:
      | Readonly<Record<string, unknown>>
      | ((server: UplinkServer) => Promise<Readonly<Record<string, unknown>>>);
    readonly token?: string;
    readonly start?: boolean;
  } = {},
): Promise<UplinkRig> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-uplink-"));
  const server = await startUplinkServer();
  const uplinkSettings = typeof settings.uplink === "function" ? await settings.uplink(server) : settings.uplink;
  const commands: Command[] = [];
  const identity = await openIdentity(join(folder, "identity"));
  const open = async () => {
    const journal = await openJournal({
      folder: join(folder, "journal"),
      gatewayId: identity.gatewayId,
      signingKey: identity.signingKey,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      bootId: systemRandom.uuid(),
      isClockSynchronised: () => true,
      options: journalOptions.parse({ commitIntervalMs: 0 }),
    });
    const evidence = await openEvidenceSpool({
      folder: join(folder, "evidence"),
      clock: systemClock,
      logger: silentLogger,
      options: journalOptions.parse({}),
    });
    const uplink = createUplink({
      options: uplinkOptions.parse(uplinkSettings ?? {}),
      serverUrl: server.httpUrl,
      folder: join(folder, "identity"),
      identity,
      journal,
      evidence,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      onCommand: async (command) => {
        commands.push(command);
        await rig.onCommand(command);
      },
      readToken: () => Promise.resolve(settings.token ?? "token-1"),
      softwareVersion: "test",
    });
    return { journal, evidence, uplink };
  };
  let parts = await open();
  const rig: UplinkRig = {
    server,
    gatewayId: identity.gatewayId,
    identityFolder: join(folder, "identity"),
    commands,
    onCommand: () => Promise.resolve(),
    get journal() {
      return parts.journal;
    },
    get evidence() {
      return parts.evidence;
    },
    get uplink() {
      return parts.uplink;
    },
    async append(from, to) {
      for (let n = from; n <= to; n += 1) await parts.journal.append([sampleItem(n)]);
    },
    async restartGateway() {
      await parts.uplink.stop();
      await parts.journal.close();
      parts = await open();
      await parts.uplink.start();
    },
    async stop() {
      await parts.uplink.stop();
      await parts.journal.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  if (settings.start !== false) await parts.uplink.start();
  return rig;
}

/** Waits until `condition` holds; the test's own timeout ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
