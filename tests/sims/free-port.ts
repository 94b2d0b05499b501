import { createServer } from "node:net";

/** A port on 127.0.0.1 that is free now: the wished one when it is, otherwise any. */
export async function freePort(wished = 0): Promise<number> {
  return (await tryListen(wished)) ?? (await tryListen(0)) ?? Promise.reject(new Error("no free TCP port"));
}

/** `count` different free ports. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(undefined);
    });
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : undefined);
      });
    });
  });
}
