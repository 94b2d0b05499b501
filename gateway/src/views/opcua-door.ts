import { createHash, timingSafeEqual } from "node:crypto";
import { join } from "node:path";

import { describeError, readSecret } from "@frostlight/kernel";
import type { OPCUACertificateManager } from "node-opcua-certificate-manager";
import type { StatusCode } from "node-opcua-client";

import { chainOf, describePeer } from "../core/peer-certificate.ts";
import type { ViewContext } from "../core/view.ts";
import type { OpcUaLibrary } from "./opcua-library.ts";
import type { OpcUaServerOptions } from "./opcua-server-options.ts";

const wrongPasswordDelayMs = 250;

const print = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * The server's own certificate and the judgement of others: a client's certificate that nobody approved makes a card on the
 * local page and is refused until a person has compared it.
 */
export async function openDoor(context: ViewContext, loaded: OpcUaLibrary): Promise<OPCUACertificateManager> {
  const { OPCUACertificateManager: Manager } = await import("node-opcua-certificate-manager");
  const { StatusCodes } = loaded;
  const manager = new Manager({
    rootFolder: join(context.stateFolder, "pki"),
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
  });
  await manager.initialize();
  const check = async (given: Buffer | Buffer[]): Promise<StatusCode> => {
    const bytes = Array.isArray(given) ? Buffer.concat(given) : given;
    try {
      const [leaf] = chainOf(bytes);
      if (leaf === undefined) return StatusCodes.BadCertificateInvalid;
      // Its form, times and uses; whom to trust is asked below.
      const status = await manager.verifyCertificate(bytes, { acceptCertificateWithValidIssuerChain: false });
      if (!isUnknownOnly(status)) return statusOf(status, StatusCodes);
      const judged = await context.trust.judge(describePeer(leaf, "client"));
      return judged === "approved" ? StatusCodes.Good : StatusCodes.BadCertificateUntrusted;
    } catch (error) {
      context.logger.warn("client-certificate-unreadable", { error: describeError(error) });
      return StatusCodes.BadCertificateInvalid;
    }
  };
  // The library asks both questions; the answer is a person's, not the folder's.
  Reflect.set(manager, "checkCertificate", answer(check));
  Reflect.set(manager, "getTrustStatus", answer(check));
  return manager;
}

const isUnknownOnly = (status: string): boolean =>
  status === "Good" || status === "BadCertificateUntrusted" || status === "BadCertificateChainIncomplete";

function statusOf(name: string, codes: OpcUaLibrary["StatusCodes"]): StatusCode {
  const found: unknown = Reflect.get(codes, name);
  return found === undefined ? codes.BadCertificateInvalid : (found as StatusCode); // holds nothing but status codes
}

type Callback<T> = (error: Error | null, value?: T) => void;

async function tell<T>(work: Promise<T>, callback: Callback<T>): Promise<void> {
  const [outcome] = await Promise.allSettled([work]);
  if (outcome.status === "fulfilled") callback(null, outcome.value);
  else callback(new Error(describeError(outcome.reason)));
}

/** The library calls with a callback in some places and waits in others. */
function answer(check: (given: Buffer | Buffer[]) => Promise<StatusCode>) {
  return (given: Buffer | Buffer[], callback?: Callback<StatusCode>): Promise<StatusCode> | undefined => {
    if (callback === undefined) return check(given);
    void tell(check(given), callback);
    return undefined;
  };
}

/** Who may come in by name and password. Throws `config/secret-missing`. */
export async function readUsers(options: OpcUaServerOptions, context: ViewContext) {
  const known = new Map<string, Buffer>();
  for (const { username, password } of options.users) {
    known.set(username, print(await readSecret(password, context.environment)));
  }
  const nobody = print(context.random.uuid());
  const isValid = async (username: string, password: string): Promise<boolean> => {
    const expected = known.get(username);
    const isRight = timingSafeEqual(print(password), expected ?? nobody) && expected !== undefined;
    if (isRight) return true;
    context.logger.warn("opcua-login-refused", { user: username.slice(0, 128) });
    // Slows down guessing.
    await context.clock.sleep(wrongPasswordDelayMs, AbortSignal.timeout(10 * wrongPasswordDelayMs));
    return false;
  };
  return {
    isValidUserAsync(username: string, password: string, callback: Callback<boolean>) {
      void tell(isValid(username, password), callback);
    },
  };
}
