import { createServer, createConnection, type Server, type Socket } from "node:net";

/** A TCP link that can be broken in the ways real links break. */
export interface TcpProxy {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  /** Resets every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Forwards again; connections that were only silent go on where they stopped. */
  restore(): Promise<void>;
  /** Keeps connections open and accepts new ones, but no byte passes either way (a half-open link). */
  blackhole(): void;
  /** Resets every connection once; new ones work. */
  resetConnections(): void;
  /** Connections accepted so far. */
  connectionCount(): number;
  stop(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Starts a proxy to `target` (host 127.0.0.1 when not given) on `port` (a free one when not given). */
export async function startTcpProxy(options: {
  readonly target: { readonly port: number; readonly host?: string };
  readonly port?: number;
}): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let silent = false;
  let count = 0;

  const accept = (near: Socket): void => {
    count += 1;
    const far = createConnection({ port: options.target.port, host: options.target.host ?? "127.0.0.1" });
    const pair: Pair = { near, far };
    pairs.add(pair);
    const close = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    forward(near, far);
    forward(far, near);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", close);
      socket.on("close", close);
      if (silent) socket.pause();
    }
  };

  const forward = (from: Socket, to: Socket): void => {
    from.on("data", (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!silent) from.resume();
    });
    from.on("end", () => {
      to.end();
    });
  };

  const destroyAll = (): void => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    pairs.clear();
  };

  let server: Server | undefined = await listen(accept, options.port ?? 0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no TCP port");
  const { port } = address;

  const closeServer = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    const closed =
      closing === undefined ? Promise.resolve() : new Promise<void>((resolve) => void closing.close(() => resolve()));
    destroyAll();
    await closed;
  };

  return {
    port,
    cut: closeServer,
    async restore() {
      silent = false;
      for (const { near, far } of pairs) {
        near.resume();
        far.resume();
      }
      server ??= await listen(accept, port);
    },
    blackhole() {
      silent = true;
      for (const { near, far } of pairs) {
        near.pause();
        far.pause();
      }
    },
    resetConnections: destroyAll,
    connectionCount: () => count,
    stop: closeServer,
  };
}

function listen(accept: (socket: Socket) => void, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, accept);
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve(server);
    });
  });
}
