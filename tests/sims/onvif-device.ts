import { createHash } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SimulatedProfile {
  readonly token: string;
  readonly name: string;
  readonly encoding: string;
  readonly width: number;
  readonly height: number;
  readonly streamUrl: string;
}

export interface OnvifDeviceOptions {
  readonly account?: { readonly user: string; readonly password: string };
  /** How the account is checked: in the SOAP header (within 5 s of the device's clock, no nonce twice) or by HTTP Digest. */
  readonly check?: "ws-security" | "http-digest";
  /** The device's clock minus the real one. */
  readonly clockOffsetMs?: number;
  readonly profiles: readonly SimulatedProfile[];
  /** Offers Media2 too. */
  readonly media2?: boolean;
  readonly endpoint?: string;
  readonly snapshot?: Uint8Array;
  /** The host it believes to have, as behind an address that changed. */
  readonly believedHost?: string;
}

/** What a device answers, by its operation's name, instead of the truth. */
export type Answers = Map<string, (request: string) => { readonly status: number; readonly body: string }>;

const soap = (body: string, header = "") =>
  `<?xml version="1.0" encoding="utf-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:ter="http://www.onvif.org/ver10/error" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">${header}<SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`;

export const soapFault = (code: string, reason: string) =>
  soap(
    `<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode><SOAP-ENV:Value>ter:${code}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">${reason}</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>`,
  );

const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** An ONVIF camera at the socket: device, Media and Media2 service, snapshots, WS-Discovery. Writes its XML as strings. */
export class OnvifDevice {
  readonly options: OnvifDeviceOptions;
  readonly answers: Answers = new Map();
  readonly asked: string[] = [];
  readonly #nonces = new Set<string>();
  #server: Server | undefined;
  #discovery: Socket | undefined;
  port = 0;

  constructor(options: OnvifDeviceOptions) {
    this.options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/onvif/device_service`;
  }

  async start(port = 0): Promise<void> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    const server = this.#server;
    await new Promise<void>((done) => void server.listen(port, "127.0.0.1", done));
    this.port = (server.address() as AddressInfo).port; // listening on TCP: an object
  }

  /** Listens for probes on loopback; returns the UDP port. */
  async startDiscovery(): Promise<number> {
    const socket = createSocket("udp4");
    this.#discovery = socket;
    socket.on("message", (data, from) => {
      const probe = data.toString();
      const id = /MessageID>([^<]+)</.exec(probe)?.[1] ?? "";
      if (!/NetworkVideoTransmitter/.test(probe)) return;
      const header = `<SOAP-ENV:Header><wsa:RelatesTo>${id}</wsa:RelatesTo></SOAP-ENV:Header>`;
      const scopes =
        "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Kitchen%20%E5%8E%A8%E6%88%BF onvif://www.onvif.org/hardware/DS-2CD";
      const match = `<d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>${this.options.endpoint ?? "urn:uuid:1"}</wsa:Address></wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>http://[fe80::1]/onvif/device_service http://127.0.0.1:${this.port}/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches>`;
      socket.send("<not xml", from.port, from.address);
      socket.send(soap(match, header), from.port, from.address);
    });
    await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
    return socket.address().port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server !== undefined) await new Promise<void>((done) => void server.close(() => done()));
    const socket = this.#discovery;
    this.#discovery = undefined;
    if (socket !== undefined) await new Promise<void>((done) => void socket.close(done));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith("/snap.jpg") === true) {
      response.end(this.options.snapshot ?? Buffer.of());
      return;
    }
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const operation = /<s:Body><(\w+)/.exec(body)?.[1] ?? "";
    this.asked.push(operation);
    const { status, text, challenge } = this.#answer(request, operation, body);
    response.writeHead(status, {
      "content-type": "application/soap+xml",
      ...(challenge === undefined ? {} : { "www-authenticate": challenge }),
    });
    response.end(text);
  }

  #answer(request: IncomingMessage, operation: string, body: string) {
    const own = this.answers.get(operation);
    if (own !== undefined) {
      const { status, body: text } = own(body);
      return { status, text };
    }
    if (operation !== "GetSystemDateAndTime" && this.options.account !== undefined) {
      const { check = "ws-security" } = this.options;
      if (check === "http-digest" && !this.#knowsHttp(request)) {
        return { status: 401, text: "", challenge: 'Digest realm="onvif", qop="auth", nonce="abc", algorithm=MD5' };
      }
      if (check === "ws-security" && !this.#knows(body)) {
        return { status: 400, text: soapFault("NotAuthorized", "Sender not Authorized") };
      }
    }
    const text = this.#truth(operation, body);
    return text === undefined
      ? { status: 500, text: soapFault("ActionNotSupported", "Optional Action Not Implemented") }
      : { status: 200, text: soap(text) };
  }

  #truth(operation: string, body: string): string | undefined {
    const { profiles, media2 = false, believedHost = "127.0.0.1" } = this.options;
    const second = body.includes("ver20/media");
    const prefix = second ? "tr2" : "trt";
    const base = `http://${believedHost}:${this.port}/onvif`;
    const asked = /<ProfileToken>([^<]*)</
      .exec(body)?.[1]
      ?.replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
    const profile = profiles.find(({ token }) => token === asked);
    if (operation === "GetSystemDateAndTime") {
      const now = new Date(Date.now() + (this.options.clockOffsetMs ?? 0));
      const time = `<tt:Time><tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute><tt:Second>${now.getUTCSeconds()}</tt:Second></tt:Time>`;
      const date = `<tt:Date><tt:Year>${now.getUTCFullYear()}</tt:Year><tt:Month>${now.getUTCMonth() + 1}</tt:Month><tt:Day>${now.getUTCDate()}</tt:Day></tt:Date>`;
      return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime>${time}${date}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
    }
    if (operation === "GetServices") {
      const service = (ns: string, path: string) =>
        `<tds:Service><tds:Namespace>${ns}</tds:Namespace><tds:XAddr>${base}/${path}</tds:XAddr></tds:Service>`;
      const extra = media2 ? service("http://www.onvif.org/ver20/media/wsdl", "media2_service") : "";
      return `<tds:GetServicesResponse>${service("http://www.onvif.org/ver10/device/wsdl", "device_service")}${service("http://www.onvif.org/ver10/media/wsdl", "media_service")}${extra}</tds:GetServicesResponse>`;
    }
    if (operation === "GetCapabilities") {
      return `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device><tt:XAddr>${base}/device_service</tt:XAddr></tt:Device><tt:Media><tt:XAddr>${base}/media_service</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`;
    }
    if (operation === "GetProfiles") {
      const one = ({ token, name, encoding, width, height }: SimulatedProfile) => {
        const size = `<tt:Name>encoder</tt:Name><tt:Encoding>${encoding}</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution>`;
        return second
          ? `<tr2:Profiles token="${escape(token)}"><tr2:Name>${name}</tr2:Name><tr2:Configurations><tr2:VideoEncoder token="e">${size}</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>`
          : `<trt:Profiles fixed="true" token="${escape(token)}"><tt:Name>${name}</tt:Name><tt:VideoEncoderConfiguration token="e">${size}</tt:VideoEncoderConfiguration></trt:Profiles>`;
      };
      return `<${prefix}:GetProfilesResponse>${profiles.map(one).join("")}</${prefix}:GetProfilesResponse>`;
    }
    if (profile === undefined) return undefined;
    const uri = (address: string) =>
      second
        ? `<tr2:Uri>${escape(address)}</tr2:Uri>`
        : `<trt:MediaUri><tt:Uri>${escape(address)}</tt:Uri></trt:MediaUri>`;
    if (operation === "GetStreamUri") {
      const address = profile.streamUrl.replace("127.0.0.1", believedHost);
      return `<${prefix}:GetStreamUriResponse>${uri(address)}</${prefix}:GetStreamUriResponse>`;
    }
    if (operation !== "GetSnapshotUri") return undefined;
    const address = `http://${believedHost}:${this.port}/snap.jpg?profile=${profile.token}&channel=1`;
    return `<${prefix}:GetSnapshotUriResponse>${uri(address)}</${prefix}:GetSnapshotUriResponse>`;
  }

  /** WS-UsernameToken as devices check it. */
  #knows(body: string): boolean {
    const field = (name: string) => new RegExp(`<${name}(?: [^>]*)?>([^<]*)<`).exec(body)?.[1] ?? "";
    const nonce = field("Nonce");
    const created = field("Created");
    const offMs = Math.abs(Date.parse(created) - (Date.now() + (this.options.clockOffsetMs ?? 0)));
    if (this.#nonces.has(nonce) || !(offMs < 5_000) || field("Username") !== this.options.account?.user) return false;
    this.#nonces.add(nonce);
    const bytes = [Buffer.from(nonce, "base64"), Buffer.from(created), Buffer.from(this.options.account.password)];
    return createHash("sha1").update(Buffer.concat(bytes)).digest("base64") === field("Password");
  }

  #knowsHttp(request: IncomingMessage): boolean {
    const md5 = (text: string) => createHash("md5").update(text).digest("hex");
    const header = request.headers.authorization ?? "";
    const field = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)`).exec(header)?.[1] ?? "";
    const { user = "", password = "" } = this.options.account ?? {};
    const asked = md5(`${request.method}:${request.url}`);
    const expected = md5(`${md5(`${user}:onvif:${password}`)}:abc:${field("nc")}:${field("cnonce")}:auth:${asked}`);
    return field("response") === expected && field("uri") === request.url;
  }
}
