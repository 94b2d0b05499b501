import { assert, integer, property, uniqueArray } from "fast-check";
import { afterEach, expect, test } from "vitest";

import { ReceiptWindow } from "./receipt-window.ts";
import { openTestJournal, readAll, sampleItem, TemporaryFolders } from "./testing/journal-fixture.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.removeAll());

const receipt = integer({ min: 0, max: 2 ** 48 - 1 });

test("the newest receipts are always remembered, never-added ones never", () => {
  assert(
    property(uniqueArray(receipt, { maxLength: 200 }), receipt, (added, other) => {
      const window = new ReceiptWindow(20);
      for (const one of added) window.add(one);
      expect(added.slice(-20).every((one) => window.has(one))).toBe(true);
      expect(added.slice(0, -40).some((one) => window.has(one))).toBe(false);
      expect(window.has(other)).toBe(added.slice(-40).includes(other) && window.has(other));
    }),
  );
});

test("a receipt is known once it is durable, and after a restart, also when nothing else was in the append", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder);
  const appended = journal.append([sampleItem(1), { kind: "receipt", receipt: 7 }]);
  expect(journal.hasReceipt(7)).toBe(false);
  await appended;
  await journal.append([{ kind: "receipt", receipt: 2 ** 48 - 1 }]);
  expect([7, 2 ** 48 - 1, 8].map((one) => journal.hasReceipt(one))).toEqual([true, true, false]);
  expect((await readAll(journal)).map(({ receipts }) => receipts)).toEqual([[7], [2 ** 48 - 1]]);
  await journal.close();

  const reopened = await openTestJournal(await folders.copyOf(folder));
  expect([7, 2 ** 48 - 1, 8].map((one) => reopened.hasReceipt(one))).toEqual([true, true, false]);
  await reopened.close();
});

test("receipts of released segments are known after a restart too", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder, { segmentBytes: 16_384 });
  for (let n = 1; n <= 200; n += 1) await journal.append([sampleItem(n), { kind: "receipt", receipt: n }]);
  journal.release(
    journal.epoch,
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
  await journal.close();
  const reopened = await openTestJournal(folder, { segmentBytes: 16_384 });
  for (let n = 1; n <= 200; n += 1) expect(reopened.hasReceipt(n)).toBe(true);
  await reopened.close();
});

test.each([-1, 0.5, 2 ** 48, Number.NaN])("%d is refused as a receipt", async (wrong) => {
  const journal = await openTestJournal(await folders.make());
  await expect(journal.append([{ kind: "receipt", receipt: wrong }])).rejects.toMatchObject({
    code: "journal/item-invalid",
  });
  await journal.close();
});
