import type { Batch } from "@frostlight/contract";

import { transportRegistry } from "../../../gateway/src/uplink/transports/index.ts";
import { startRig, until, type UplinkRig } from "../../faults/uplink-rig.ts";
import { startTcpProxy, type TcpProxy } from "../../sims/tcp-proxy.ts";

/** A gateway, a pretended server, and links between them that can be broken. */
export interface TransportRig extends UplinkRig {
  readonly kind: string;
  readonly link: Pick<TcpProxy, "cut" | "restore" | "blackhole" | "starve" | "halfOpen" | "resetConnections">;
  stopAll(): Promise<void>;
}

interface Addresses {
  readonly mqtt: string;
  readonly http: string;
}

/** Options of each registered kind that notice a dead link in a few seconds; a kind without an entry fails the suite. */
const transportOptions: Readonly<Record<string, (addresses: Addresses) => Readonly<Record<string, unknown>>>> = {
  mqtt: ({ mqtt }) => ({ url: mqtt, keepaliveSeconds: 5, connectTimeoutMs: 3_000 }),
  https: ({ http }) => ({ url: http, pollMs: 2_000, requestTimeoutMs: 3_000 }),
  auto: ({ mqtt, http }) => ({
    mqtt: { url: mqtt, keepaliveSeconds: 5, connectTimeoutMs: 3_000 },
    https: { url: http, pollMs: 2_000, requestTimeoutMs: 3_000 },
  }),
};

export const kinds: readonly string[] = transportRegistry.kinds;

export async function startTransportRig(
  kind: string,
  uplink: Readonly<Record<string, unknown>> = {},
): Promise<TransportRig> {
  const optionsOf = transportOptions[kind];
  if (optionsOf === undefined) throw new Error(`the conformance suite has no options for the transport "${kind}"`);
  // Enrolment and evidence go around the proxies; only the transport's own way is broken.
  let proxies: readonly TcpProxy[] = [];
  const rig = await startRig({
    start: false,
    uplink: async (server) => {
      proxies = await Promise.all([
        startTcpProxy({ target: { port: server.mqttPort } }),
        startTcpProxy({ target: { port: Number(new URL(server.httpUrl).port) } }),
      ]);
      const addresses = {
        mqtt: `mqtt://127.0.0.1:${proxies[0]?.port ?? 0}`,
        http: `http://127.0.0.1:${proxies[1]?.port ?? 0}`,
      };
      return { ...uplink, transport: { kind, ...optionsOf(addresses) } };
    },
  });
  await rig.uplink.start();
  const all = (act: (proxy: TcpProxy) => unknown) => async (): Promise<void> => {
    await Promise.all(proxies.map(act));
  };
  // The rig's own members are getters: what they give changes with a restart.
  return Object.assign(Object.create(rig) as UplinkRig, {
    kind,
    link: {
      cut: all((proxy) => proxy.cut()),
      restore: all((proxy) => proxy.restore()),
      blackhole: () => void all((proxy) => proxy.blackhole())(),
      starve: (rate: number | undefined) => void all((proxy) => proxy.starve(rate))(),
      halfOpen: () => void all((proxy) => proxy.halfOpen())(),
      resetConnections: () => void all((proxy) => proxy.resetConnections())(),
    },
    async stopAll() {
      await rig.stop();
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    },
  });
}

export const connected = (rig: UplinkRig): Promise<void> => until(() => rig.uplink.status().state === "connected");
export const released = (rig: UplinkRig): Promise<void> =>
  until(() => rig.journal.stats().unreleasedBatches === 0 && rig.journal.lastSequence > 0);

export const values = (batches: readonly Batch[]): number[] =>
  batches.flatMap((batch) => batch.samples.map(({ value }) => value ?? Number.NaN)).toSorted((a, b) => a - b);
export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
