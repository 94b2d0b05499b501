import { FrostlightError } from "@frostlight/kernel";
import { expect, it } from "vitest";

import type { Reading } from "../core/reading.ts";
import { WriteGroup } from "./write-group.ts";

const reading = (pointId: string): Reading => ({
  pointId,
  value: 1,
  unit: "Cel",
  sourceTimeMs: null,
  receivedMs: 0,
  quality: "good",
  reason: null,
  backfill: false,
});

interface Seen {
  readonly submits: { readonly points: string[]; readonly receipts: readonly number[] }[];
  readonly written: number[];
  readonly failed: number[];
}

function group(refuse: (points: readonly string[]) => string | undefined): {
  seen: Seen;
  group: WriteGroup<{ messageId: number; receipt: number }>;
} {
  const seen: Seen = { submits: [], written: [], failed: [] };
  const submit = (readings: readonly Reading[], receipts: readonly number[] = []): Promise<void> => {
    const points = readings.map(({ pointId }) => pointId);
    seen.submits.push({ points, receipts });
    const code = refuse(points);
    return code === undefined ? Promise.resolve() : Promise.reject(new FrostlightError(code, "resource", code));
  };
  const made = new WriteGroup<{ messageId: number; receipt: number }>(
    submit,
    (owners) => {
      seen.written.push(...owners.map(({ messageId }) => messageId));
    },
    ({ messageId }) => {
      seen.failed.push(messageId);
    },
  );
  return { seen, group: made };
}

async function turn(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

it("writes what one turn brings in one go, with the receipts of those that have one", async () => {
  const { seen, group: messages } = group(() => undefined);
  messages.add({ messageId: 1, receipt: 11 }, [reading("a"), reading("b")]);
  messages.add({ messageId: 0, receipt: 0 }, [reading("c")]);
  await turn();
  messages.add({ messageId: 2, receipt: 12 }, [reading("d")]);
  await turn();
  expect(seen.submits).toEqual([
    { points: ["a", "b", "c"], receipts: [11] },
    { points: ["d"], receipts: [12] },
  ]);
  expect(seen.written).toEqual([1, 0, 2]);
});

it("tries each alone when one spoils the whole", async () => {
  const { seen, group: messages } = group((points) => (points.includes("bad") ? "journal/item-invalid" : undefined));
  messages.add({ messageId: 1, receipt: 11 }, [reading("a")]);
  messages.add({ messageId: 2, receipt: 12 }, [reading("bad")]);
  messages.add({ messageId: 3, receipt: 13 }, [reading("c"), reading("d")]);
  await turn();
  expect(seen.submits.slice(1)).toEqual([
    { points: ["a"], receipts: [11] },
    { points: ["bad"], receipts: [12] },
    { points: ["c", "d"], receipts: [13] },
  ]);
  expect(seen).toMatchObject({ written: [1, 3], failed: [2] });
});

it("gives up all at once when the journal is full", async () => {
  const { seen, group: messages } = group(() => "journal/full");
  messages.add({ messageId: 1, receipt: 11 }, [reading("a")]);
  messages.add({ messageId: 2, receipt: 12 }, [reading("b")]);
  await turn();
  expect(seen.submits).toHaveLength(1);
  expect(seen.failed).toEqual([1, 2]);
});
