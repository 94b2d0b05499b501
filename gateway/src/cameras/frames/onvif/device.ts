import type { Clock } from "@frostlight/kernel";

import type { Account } from "../http-authentication.ts";
import { OnvifError, SoapClient } from "./soap-client.ts";
import { escapeXml, findAll, textOf, type XmlElement } from "./soap-xml.ts";

/** A way of looking at a camera: one of its streams. */
export interface OnvifProfile {
  readonly token: string;
  readonly name: string;
  /** As the camera names it: H264, H265, JPEG, …; null when it does not say. */
  readonly encoding: string | null;
  readonly width: number;
  readonly height: number;
}

export interface ResolvedCamera {
  readonly profile: OnvifProfile;
  readonly profiles: readonly OnvifProfile[];
  /** rtsp:// or http:// address without user and password. */
  readonly url: string;
  /** Device's clock minus ours. */
  readonly clockOffsetMs: number;
}

export interface ProfileWish {
  readonly via: "rtsp" | "snapshot";
  /** A profile's token or name; left out: the smallest picture that is wide enough. */
  readonly profile?: string | undefined;
  readonly minWidth: number;
}

const namespaces = {
  device: "http://www.onvif.org/ver10/device/wsdl",
  media: "http://www.onvif.org/ver10/media/wsdl",
  media2: "http://www.onvif.org/ver20/media/wsdl",
  schema: "http://www.onvif.org/ver10/schema",
} as const;

interface MediaService {
  readonly url: string;
  readonly version: 1 | 2;
}

/** Asks the device at `url` (its device service) which stream fits and where it is. Throws an OnvifError. */
export async function resolveCamera(parts: {
  readonly url: string;
  readonly account: Account | undefined;
  readonly wish: ProfileWish;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<ResolvedCamera> {
  const client = new SoapClient(parts.clock, parts.account, parts.signal);
  client.clockOffsetMs = await readClockOffset(client, parts.url, parts.clock);
  let failed: unknown;
  // H.265 shows in Media2 only; some devices offer it and then answer it with faults
  for (const service of await mediaServices(client, parts.url)) {
    try {
      const profiles = await readProfiles(client, service);
      const profile = chooseProfile(profiles, parts.wish);
      const address = await readAddress(client, service, profile, parts.wish.via);
      return { profile, profiles, url: atHostOf(parts.url, address), clockOffsetMs: client.clockOffsetMs };
    } catch (error) {
      if (!(error instanceof OnvifError) || error.code === "refused") throw error;
      failed ??= error;
    }
  }
  throw failed ?? new OnvifError("fault", `${parts.url}: the device has no media service`);
}

/** The one that was named, else the smallest that is wide enough for the detector, else the largest. */
export function chooseProfile(profiles: readonly OnvifProfile[], wish: ProfileWish): OnvifProfile {
  const named = profiles.find(
    ({ token, name }) => wish.profile !== undefined && (token === wish.profile || name === wish.profile),
  );
  if (named !== undefined) return named;
  const sorted = profiles.filter(({ width }) => width > 0).toSorted((a, b) => a.width * a.height - b.width * b.height);
  const chosen = sorted.find(({ width }) => width >= wish.minWidth) ?? sorted.at(-1) ?? profiles[0];
  if (wish.profile !== undefined || chosen === undefined) {
    const known = profiles.map(({ token, name, width, height }) => `${token} (${name}, ${width}×${height})`).join(", ");
    throw new OnvifError("fault", `no profile ${wish.profile ?? "at all"}; the device has: ${known || "none"}`);
  }
  return chosen;
}

/** Must be answered without credentials (ONVIF Core, section 8.3.5): the signature needs it. 0 where it cannot be read. */
async function readClockOffset(client: SoapClient, url: string, clock: Clock): Promise<number> {
  try {
    const body = await client.call(url, `<GetSystemDateAndTime xmlns="${namespaces.device}"/>`, false);
    const [utc] = findAll(body, "UTCDateTime");
    const field = (name: string): number => Number(textOf(utc, name) ?? Number.NaN);
    const deviceMs = Date.UTC(
      field("Year"),
      field("Month") - 1,
      field("Day"),
      field("Hour"),
      field("Minute"),
      field("Second"),
    );
    return Number.isFinite(deviceMs) ? deviceMs - clock.nowMs() : 0;
  } catch (error) {
    if (error instanceof OnvifError && error.code !== "unreachable") return 0;
    throw error;
  }
}

async function mediaServices(client: SoapClient, url: string): Promise<readonly MediaService[]> {
  try {
    const body = await client.call(
      url,
      `<GetServices xmlns="${namespaces.device}"><IncludeCapability>false</IncludeCapability></GetServices>`,
    );
    const services = findAll(body, "Service").map((one) => ({
      ns: textOf(one, "Namespace"),
      at: textOf(one, "XAddr"),
    }));
    const at = (ns: string, version: 1 | 2): MediaService[] =>
      services.flatMap((one) =>
        one.ns === ns && one.at !== undefined ? [{ url: atHostOf(url, one.at), version }] : [],
      );
    const found = [...at(namespaces.media2, 2), ...at(namespaces.media, 1)];
    if (found.length > 0) return found;
  } catch (error) {
    if (!(error instanceof OnvifError) || error.code !== "fault") throw error;
  }
  const body = await client.call(
    url,
    `<GetCapabilities xmlns="${namespaces.device}"><Category>All</Category></GetCapabilities>`,
  );
  const address = textOf(findAll(body, "Media")[0], "XAddr");
  return address === undefined ? [] : [{ url: atHostOf(url, address), version: 1 }];
}

async function readProfiles(client: SoapClient, { url, version }: MediaService): Promise<readonly OnvifProfile[]> {
  const body = await client.call(
    url,
    version === 2
      ? `<GetProfiles xmlns="${namespaces.media2}"><Type>VideoEncoder</Type></GetProfiles>`
      : `<GetProfiles xmlns="${namespaces.media}"/>`,
  );
  return findAll(body, "Profiles").flatMap((one) => {
    const token = one.attributes.get("token");
    const [encoder] = findAll(one, version === 2 ? "VideoEncoder" : "VideoEncoderConfiguration");
    if (token === undefined || encoder === undefined) return [];
    return [{ token, name: one.children.find(({ name }) => name === "Name")?.text ?? token, ...pictureOf(encoder) }];
  });
}

function pictureOf(encoder: XmlElement): Pick<OnvifProfile, "encoding" | "width" | "height"> {
  const [resolution] = findAll(encoder, "Resolution");
  const size = (name: string): number => {
    const value = Number(textOf(resolution, name) ?? 0);
    return Number.isInteger(value) && value > 0 && value <= 20_000 ? value : 0;
  };
  return { encoding: textOf(encoder, "Encoding") ?? null, width: size("Width"), height: size("Height") };
}

async function readAddress(
  client: SoapClient,
  { url, version }: MediaService,
  profile: OnvifProfile,
  via: "rtsp" | "snapshot",
): Promise<string> {
  const token = `<ProfileToken>${escapeXml(profile.token)}</ProfileToken>`;
  const setup = `<StreamSetup><Stream xmlns="${namespaces.schema}">RTP-Unicast</Stream><Transport xmlns="${namespaces.schema}"><Protocol>RTSP</Protocol></Transport></StreamSetup>`;
  const ns = version === 2 ? namespaces.media2 : namespaces.media;
  const stream = version === 2 ? `<Protocol>RTSP</Protocol>${token}` : `${setup}${token}`;
  const asked = via === "rtsp" ? "GetStreamUri" : "GetSnapshotUri";
  const body = await client.call(url, `<${asked} xmlns="${ns}">${via === "rtsp" ? stream : token}</${asked}>`);
  const address = textOf(body, "Uri");
  const wanted = via === "rtsp" ? /^rtsps?:\/\/[^/\s]/i : /^https?:\/\/[^/\s]/i;
  if (address === undefined || !wanted.test(address) || !URL.canParse(address)) {
    throw new OnvifError("fault", `${url} ${asked}: ${JSON.stringify(address ?? null)} is no address for ${via}`);
  }
  return address;
}

/**
 * The address at the host that was configured: cameras name themselves by an old or inner address, and no camera may send us,
 * with its password, to another machine.
 */
function atHostOf(device: string, address: string): string {
  if (!URL.canParse(address))
    throw new OnvifError("fault", `${device}: ${JSON.stringify(address.slice(0, 200))} is no address`);
  const moved = new URL(address);
  moved.username = "";
  moved.password = "";
  moved.hostname = new URL(device).hostname;
  return moved.href;
}
