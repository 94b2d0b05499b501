import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";

import { afterEach, expect, test } from "vitest";

import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function echoBehindProxy(): Promise<TcpProxy> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const proxy = await startTcpProxy({ target: { port: address.port } });
  cleanups.push(
    () => void server.close(),
    () => proxy.stop(),
  );
  return proxy;
}

async function connect(port: number): Promise<Socket> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  cleanups.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, "data")) as [Buffer]; // "data" events of sockets carry one buffer
  return data.toString();
}

test("the proxy passes bytes both ways", async () => {
  const proxy = await echoBehindProxy();
  expect(await echo(await connect(proxy.port), "hello")).toBe("hello");
});

test("a cut resets connections and refuses new ones until it is restored on the same port", async () => {
  const proxy = await echoBehindProxy();
  const socket = await connect(proxy.port);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await proxy.cut();
  await closed;
  await expect(connect(proxy.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await proxy.restore();
  expect(await echo(await connect(proxy.port), "again")).toBe("again");
});

test("a starved link passes everything, slowly", async () => {
  const proxy = await echoBehindProxy();
  const socket = await connect(proxy.port);
  proxy.starve(10_000);
  const startMs = performance.now();
  let heard = "";
  socket.on("data", (chunk: Buffer) => {
    heard += chunk.toString();
  });
  const sent = Array.from({ length: 300 }, (_, index) => String(index).padStart(10, "0")).join("");
  socket.write(sent);
  while (heard.length < sent.length) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(heard).toBe(sent);
  expect(performance.now() - startMs).toBeGreaterThan(200);
  proxy.starve(undefined);
  heard = "";
  socket.write("quick");
  while (heard.length < 5) await new Promise((resolve) => setTimeout(resolve, 10));
});

test("a half-open link is closed for the client and alive for the server", async () => {
  const proxy = await echoBehindProxy();
  const socket = await connect(proxy.port);
  expect(await echo(socket, "before")).toBe("before");
  const closed = once(socket, "close");
  proxy.halfOpen();
  await closed;
  expect(await echo(await connect(proxy.port), "again")).toBe("again");
});

test("a black hole passes nothing and loses nothing", async () => {
  const proxy = await echoBehindProxy();
  const socket = await connect(proxy.port);
  expect(await echo(socket, "before")).toBe("before");
  proxy.blackhole();
  let heard = 0;
  socket.on("data", (chunk: Buffer) => {
    heard += chunk.length;
  });
  socket.write("held");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(heard).toBe(0);
  const arrived = once(socket, "data");
  await proxy.restore();
  await arrived;
  expect(heard).toBe(4);
});
