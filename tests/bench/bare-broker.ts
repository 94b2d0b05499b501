/** The reference of the road benchmark: aedes as it comes, nothing behind it. Prints one JSON line with its port. */
import { createServer, type AddressInfo } from "node:net";

import { Aedes } from "aedes";

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, (socket) => {
  broker.handle(socket);
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo; // listening on TCP: an object
  process.stdout.write(`${JSON.stringify({ ready: true, port })}\n`);
});
const stop = (): void => {
  process.exit(0);
};
process.once("SIGTERM", stop);
process.stdin.resume().once("close", stop);
