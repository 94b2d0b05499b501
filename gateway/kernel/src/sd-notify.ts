import { spawn } from "node:child_process";

/**
 * Tells systemd about the process (`READY=1`, `WATCHDOG=1`, `STOPPING=1`). Node has no Unix datagram socket, so the
 * message goes through `systemd-notify`; without `NOTIFY_SOCKET` nothing happens.
 * @param environment needs `NOTIFY_SOCKET`, given by systemd to `Type=notify` units (sd_notify(3))
 */
export function notifySystemd(
  state: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  if (environment["NOTIFY_SOCKET"] === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn("systemd-notify", [`--pid=${process.pid}`, state], {
      stdio: "ignore",
      env: { ...environment },
    });
    child.once("error", () => {
      resolve(false);
    });
    child.once("exit", (code) => {
      resolve(code === 0);
    });
  });
}
