// The durable half of a gateway in a process of its own, to be killed: appends values without pause, prints each once it is in the
// journal, and sends them. `node uplink-child.ts <folder> <server> <transport> <first value> <last value>`
import { writeSync } from "node:fs";
import { join } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { journalOptions, openEvidenceSpool, openJournal } from "../../gateway/src/journal/index.ts";
import { sampleItem } from "../../gateway/src/journal/testing/journal-fixture.ts";
import { createUplink, openIdentity, uplinkOptions } from "../../gateway/src/uplink/index.ts";

const [folder = "", server = "", transport = "", first = "1", last = "0"] = process.argv.slice(2);
const shared = { clock: systemClock, random: systemRandom, logger: silentLogger };
const identity = await openIdentity(join(folder, "identity"));
const journal = await openJournal({
  ...shared,
  folder: join(folder, "journal"),
  gatewayId: identity.gatewayId,
  signingKey: identity.signingKey,
  bootId: systemRandom.uuid(),
  isClockSynchronised: () => true,
  options: journalOptions.parse({ commitIntervalMs: 0 }),
});
const uplink = createUplink({
  ...shared,
  options: uplinkOptions.parse({ transport: { kind: transport } }),
  serverUrl: server,
  folder: join(folder, "identity"),
  identity,
  journal,
  evidence: await openEvidenceSpool({
    ...shared,
    folder: join(folder, "evidence"),
    options: journalOptions.parse({}),
  }),
  readToken: () => Promise.resolve("token-1"),
  onCommand: () => Promise.resolve(),
  softwareVersion: "test",
});
await uplink.start();
for (let n = Number(first); n <= Number(last); n += 1) {
  await journal.append([sampleItem(n)]);
  // Synchronous: what the parent reads was acknowledged, however suddenly this process ends.
  writeSync(1, `${n}\n`);
}
while (journal.stats().unreleasedBatches > 0) await new Promise((resolve) => setTimeout(resolve, 10));
writeSync(1, "released\n");
await uplink.stop();
await journal.close();
