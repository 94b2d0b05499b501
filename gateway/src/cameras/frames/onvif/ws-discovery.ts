import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";

import type { Clock, Logger, Random } from "@frostlight/kernel";

import type { FoundCamera } from "../../../core/camera.ts";
import { findAll, parseXml, textOf, type XmlElement } from "./soap-xml.ts";

/** WS-Discovery's multicast group (ONVIF Core, section 7.3). */
const group = { address: "239.255.255.250", port: 3_702 } as const;
const maxCameras = 256;
const repeatMs = 500;

export interface ProbeOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Listens so long. */
  readonly forMs: number;
  /** In tests a device on loopback, which has no multicast. */
  readonly target?: { readonly address: string; readonly port: number } | undefined;
}

/** Asks the local networks who is a camera: one question by multicast from every interface, sent twice because UDP loses some. */
export async function probeCameras(options: ProbeOptions): Promise<readonly FoundCamera[]> {
  const { clock, logger, signal, forMs } = options;
  const found = new Map<string, FoundCamera>();
  const target = options.target ?? group;
  const sockets: Socket[] = [];
  const cancels: (() => void)[] = [];
  for (const address of options.target === undefined ? ownAddresses() : ["127.0.0.1"]) {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    sockets.push(socket);
    socket.on("error", (error) => {
      logger.debug("probe-failed", { address, error: error.message });
    });
    socket.on("message", (data, { address: from }) => {
      for (const camera of readMatches(data, from)) {
        if (found.size < maxCameras || found.has(camera.endpoint)) found.set(camera.endpoint, camera);
      }
    });
    socket.bind(0, address, () => {
      if (options.target === undefined) socket.setMulticastInterface(address);
      const send = (): void => socket.send(question(options.random), target.port, target.address, () => undefined);
      send();
      cancels.push(clock.after(repeatMs, send));
    });
  }
  try {
    await clock.sleep(forMs, signal);
  } finally {
    for (const cancel of cancels) cancel();
    await Promise.all(sockets.map((socket) => new Promise<void>((done) => void socket.close(done))));
  }
  return [...found.values()].toSorted((a, b) => (a.url < b.url ? -1 : 1));
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}

function question(random: Random): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"' +
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"' +
    ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header>' +
    `<w:MessageID>urn:uuid:${random.uuid()}</w:MessageID>` +
    "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>" +
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>" +
    "<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"
  );
}

/** Everybody on the network can answer: what cannot be read is passed over. */
export function readMatches(data: Buffer, from: string): readonly FoundCamera[] {
  let message: XmlElement;
  try {
    message = parseXml(data.toString("utf8"));
  } catch {
    return [];
  }
  return findAll(message, "ProbeMatch").flatMap((match) => {
    const endpoint = textOf(match, "Address")?.slice(0, 200);
    const addresses = (textOf(match, "XAddrs") ?? "")
      .split(/\s+/)
      .filter((one) => /^https?:\/\//i.test(one) && URL.canParse(one));
    // only what leads back to who answered: nobody can advertise somebody else's machine
    const url = addresses.find((one) => new URL(one).hostname === from);
    if (endpoint === undefined || url === undefined || url.length > 300) return [];
    const scopes = (textOf(match, "Scopes") ?? "").split(/\s+/);
    return [
      {
        endpoint,
        url,
        name: scope(scopes, "name"),
        model: scope(scopes, "hardware"),
        location: scope(scopes, "location"),
      },
    ];
  });
}

function scope(scopes: readonly string[], name: string): string | null {
  const begin = `onvif://www.onvif.org/${name}/`;
  const value = scopes.find((one) => one.toLowerCase().startsWith(begin))?.slice(begin.length);
  if (value === undefined) return null;
  try {
    return decodeURIComponent(value).slice(0, 100);
  } catch {
    return value.slice(0, 100);
  }
}
