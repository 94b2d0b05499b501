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
  /** As a blackhole, but only for what goes that way. */
  hold(direction: "to-client" | "to-server"): void;
  /** Lets only so many bytes per second pass, each way of each connection; undefined: as many as come. */
  starve(bytesPerSecond: number | undefined): void;
  /** Closes the clients' side without a word to the other, which goes on believing in its connection. */
  halfOpen(): void;
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
  /** Sides that are not listened to: `near` is the client's. */
  const held = new Set<keyof Pair>();
  /** Servers' sides of half-open connections. */
  const orphans = new Set<Socket>();
  let bytesPerSecond: number | undefined;
  let count = 0;

  const accept = (near: Socket): void => {
    count += 1;
    const far = createConnection({ port: options.target.port, host: options.target.host ?? "127.0.0.1" });
    const pair: Pair = { near, far };
    pairs.add(pair);
    const close = (): void => {
      if (!pairs.delete(pair)) return;
      near.destroy();
      far.destroy();
    };
    forward(near, far, "near");
    forward(far, near, "far");
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", close);
      socket.on("close", close);
    }
    holdNow(pair);
  };

  const holdNow = (pair: Pair): void => {
    for (const side of held) pair[side].pause();
  };

  const forward = (from: Socket, to: Socket, side: keyof Pair): void => {
    from.on("data", (chunk: Buffer) => {
      if (bytesPerSecond !== undefined) {
        from.pause();
        void trickle(chunk, from, to, side);
      } else if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!held.has(side)) from.resume();
    });
    from.on("end", () => {
      to.end();
    });
  };

  const trickle = async (chunk: Buffer, from: Socket, to: Socket, side: keyof Pair): Promise<void> => {
    for (let at = 0; at < chunk.length && !to.destroyed;) {
      const size = bytesPerSecond === undefined ? chunk.length : Math.max(1, Math.floor(bytesPerSecond / 20));
      if (!held.has(side)) {
        to.write(chunk.subarray(at, at + size));
        at += size;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (!held.has(side)) from.resume();
  };

  const destroyAll = (): void => {
    for (const far of orphans) far.destroy();
    orphans.clear();
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
      held.clear();
      for (const { near, far } of pairs) {
        near.resume();
        far.resume();
      }
      server ??= await listen(accept, port);
    },
    blackhole() {
      held.add("near").add("far");
      for (const pair of pairs) holdNow(pair);
    },
    hold(direction) {
      held.add(direction === "to-client" ? "far" : "near");
      for (const pair of pairs) holdNow(pair);
    },
    starve(rate) {
      bytesPerSecond = rate;
    },
    halfOpen() {
      for (const pair of pairs) {
        pairs.delete(pair);
        pair.far.removeAllListeners();
        pair.far.on("error", () => undefined).resume();
        orphans.add(pair.far);
        pair.near.destroy();
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
