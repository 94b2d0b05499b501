import { createHash, randomBytes } from "node:crypto";

import { type Clock, describeError } from "@frostlight/kernel";

import { type Account, HttpAuthentication } from "../http-authentication.ts";
import { escapeXml, findAll, maxXmlBytes, parseXml, textOf, type XmlElement } from "./soap-xml.ts";

/** Why a camera gave no answer that can be used: `refused` by its account check, `unreachable`, or a `fault` in its own words. */
export class OnvifError extends Error {
  readonly code: "refused" | "unreachable" | "fault";

  constructor(code: "refused" | "unreachable" | "fault", message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OnvifError";
    this.code = code;
  }
}

const timeoutMs = 8_000;
const soapNs = "http://www.w3.org/2003/05/soap-envelope";
const wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const wsu = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const token = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss";

/**
 * Asks one ONVIF device. Signs with a WS-UsernameToken digest made for the *device's* clock (cameras refuse one that is some
 * seconds off, and their clocks are wrong by years), and answers HTTP Digest where the device wants that instead. The password
 * itself is never sent.
 */
export class SoapClient {
  readonly #clock: Clock;
  readonly #account: Account | undefined;
  readonly #signal: AbortSignal;
  #http: HttpAuthentication | undefined;
  /** Device's clock minus ours. */
  clockOffsetMs = 0;

  constructor(clock: Clock, account: Account | undefined, signal: AbortSignal) {
    this.#clock = clock;
    this.#account = account;
    this.#signal = signal;
  }

  /** The answer's body. `body` is one element with its own namespace; `signed: false` for what must be answered to anybody. */
  async call(url: string, body: string, signed = true): Promise<XmlElement> {
    const action = /^<(\w+)/.exec(body)?.[1] ?? "";
    const security = signed && this.#account !== undefined ? this.#security(this.#account) : "";
    const header = security === "" ? "" : `<s:Header>${security}</s:Header>`;
    const envelope = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${soapNs}">${header}<s:Body>${body}</s:Body></s:Envelope>`;
    const { status, text } = await this.#post(url, envelope, action);
    let answer: XmlElement;
    try {
      answer = parseXml(text);
    } catch (error) {
      if (status === 401 || status === 403) throw this.#refused(url, action, `HTTP ${status}`);
      throw new OnvifError("fault", `${url} ${action}: HTTP ${status}, ${describeError(error)}`, { cause: error });
    }
    const fault = findAll(answer, "Fault")[0];
    if (fault !== undefined) throw this.#fault(url, action, fault);
    const [found] = findAll(answer, "Body");
    if (found === undefined || status >= 400)
      throw new OnvifError("fault", `${url} ${action}: HTTP ${status} without a SOAP body`);
    return found;
  }

  async #post(
    url: string,
    envelope: string,
    action: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const timeout = new AbortController();
    const cancel = this.#clock.after(timeoutMs, () => {
      timeout.abort(new Error(`no answer within ${timeoutMs / 1_000} s`));
    });
    const signal = AbortSignal.any([this.#signal, timeout.signal]);
    const ask = (): Promise<Response> => {
      const authorization = this.#http?.header("POST", url);
      const headers = {
        "content-type": "application/soap+xml; charset=utf-8",
        ...(authorization === undefined ? {} : { authorization }),
      };
      return fetch(url, { method: "POST", headers, body: envelope, redirect: "error", signal });
    };
    try {
      let response = await ask();
      const challenge = response.headers.get("www-authenticate");
      if (
        response.status === 401 &&
        this.#account !== undefined &&
        challenge?.toLowerCase().includes("digest") === true
      ) {
        await response.body?.cancel();
        this.#http ??= new HttpAuthentication(this.#account, () => randomBytes(16).toString("hex"));
        if (!this.#http.challenge(challenge))
          throw this.#refused(url, action, "an unknown kind of Digest authentication");
        response = await ask();
      }
      return { status: response.status, text: await limitedText(response) };
    } catch (error) {
      if (error instanceof OnvifError || this.#signal.aborted) throw error;
      throw new OnvifError("unreachable", `${url}: ${describeError(error)}`, { cause: error });
    } finally {
      cancel();
    }
  }

  #fault(url: string, action: string, fault: XmlElement): OnvifError {
    const codes = findAll(fault, "Value").map(({ text }) => text.replace(/^.*:/, ""));
    const reason = textOf(fault, "Text") ?? textOf(fault, "faultstring") ?? "";
    const words = [reason, codes.length === 0 ? "" : `(${codes.join(", ")})`].filter((word) => word !== "").join(" ");
    const shown = words.slice(0, 300) || "a fault without a reason";
    return codes.some((code) => /NotAuthorized|FailedAuthentication|InvalidSecurity/i.test(code))
      ? this.#refused(url, action, shown)
      : new OnvifError("fault", `${url} ${action}: ${shown}`);
  }

  #refused(url: string, action: string, words: string): OnvifError {
    const who =
      this.#account === undefined
        ? "it wants credentials"
        : `user ${this.#account.username} or the password is refused`;
    return new OnvifError("refused", `${url} ${action}: ${who}: ${words}`);
  }

  /** PasswordDigest = Base64(SHA-1(nonce + created + password)), WS-Security UsernameToken Profile 1.0, section 3.1. */
  #security({ username, password }: Account): string {
    const nonce = randomBytes(20);
    const created = new Date(this.#clock.nowMs() + this.clockOffsetMs).toISOString();
    const digest = createHash("sha1").update(nonce).update(created).update(password, "utf8").digest("base64");
    return (
      `<Security s:mustUnderstand="1" xmlns="${wsse}"><UsernameToken><Username>${escapeXml(username)}</Username>` +
      `<Password Type="${token}-username-token-profile-1.0#PasswordDigest">${digest}</Password>` +
      `<Nonce EncodingType="${token}-soap-message-security-1.0#Base64Binary">${nonce.toString("base64")}</Nonce>` +
      `<Created xmlns="${wsu}">${created}</Created></UsernameToken></Security>`
    );
  }
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxXmlBytes)
      throw new OnvifError("fault", `${response.url}: an answer of more than ${maxXmlBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}
