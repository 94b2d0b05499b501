// A gateway's journal in a process of its own, to be killed: appends without pause and prints each value once it is
// acknowledged. `node journal-child.ts <folder> <first value> <samples per append> <waiters>`
import { writeSync } from "node:fs";

import { openTestJournal, sampleItem } from "../../gateway/src/journal/testing/journal-fixture.ts";

const [folder = "", first = "0", perAppend = "1", waiters = "1"] = process.argv.slice(2);
const journal = await openTestJournal(folder, { segmentBytes: 65_536 });
writeSync(1, `epoch ${journal.epoch}\n`);
let next = Number(first);
const work = async (): Promise<never> => {
  for (;;) {
    const items = Array.from({ length: Number(perAppend) }, () => sampleItem((next += 1)));
    const values = items.map((item) => (item.kind === "sample" ? item.sample.value : null));
    await journal.append(items);
    // Synchronous: what the parent reads was acknowledged, however suddenly this process ends.
    writeSync(1, `${values.join(" ")}\n`);
  }
};
await Promise.all(Array.from({ length: Number(waiters) }, work));
