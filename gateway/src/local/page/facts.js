import { make, stateMark } from "./elements.js";
import { bytes, duration, locale, number, t } from "./format.js";
import { age, gateway } from "./gateway.js";

const day = 86_400_000;

function uplinkRows({ uplink, journal }) {
  const waiting = [
    t.batches(journal.unreleasedBatches),
    uplink.unackedBatches > 0 ? t.unacked(uplink.unackedBatches) : "",
    uplink.pendingEvidence > 0 ? t.evidence(uplink.pendingEvidence) : "",
  ];
  const how = [uplink.server || t.noServer, uplink.via ?? "", uplink.standby ? t.standby : ""];
  return [
    [
      t.server,
      stateMark(uplink.state === "connected" ? "normal" : "unknown", t.uplink[uplink.state]),
      how.filter(Boolean).join(" · "),
    ],
    [t.lastAck, uplink.lastAckMs === null ? t.never : age(uplink.lastAckMs)],
    [t.toSend, waiting.filter(Boolean).join(" · ")],
    [t.sent, t.sentFacts(number(uplink.sentBatches, 0), bytes(uplink.sentBytes ?? 0), number(uplink.reconnects, 0))],
    ...(uplink.budgetExhausted ? [[t.problem, t.budgetExhausted]] : []),
    ...(uplink.refusedBatches > 0 ? [[t.problem, t.refusedBatches(uplink.refusedBatches)]] : []),
    ...(uplink.lastError === null || uplink.state === "connected" ? [] : [[t.problem, uplink.lastError]]),
  ];
}

function bufferRows({ journal }) {
  const { daysLeft } = journal;
  const perItem = journal.items === 0 ? t.noneYet : t.bytesPerItem(number(journal.bytesWritten / journal.items, 0));
  return [
    ...(daysLeft === undefined ? [] : [[t.space, daysLeft === null ? t.notKnownYet : duration(daysLeft * day)]]),
    [t.journal, t.journalFacts(bytes(journal.sizeBytes), number(journal.items, 0))],
    [t.flash, perItem],
    ...(journal.quarantinedRecords > 0 ? [[t.problem, t.damaged(journal.quarantinedRecords)]] : []),
    ...(journal.tornTailsCut > 0 ? [[t.repaired, t.torn(journal.tornTailsCut)]] : []),
    [t.memory, bytes(gateway.status.residentBytes)],
  ];
}

function clockRows({ clock, nowMs }) {
  const word = clock.synchronised ? t.synchronised : t.notSynchronised;
  return [
    [t.clock, stateMark(clock.synchronised ? "normal" : "warning", word), new Date(nowMs).toLocaleString(locale)],
  ];
}

function fillList(id, rows) {
  const divs = rows.map(([name, ...values]) => {
    const children = values.flatMap((value, index) => (index === 0 ? [value] : [" ", value]));
    return make("div", "", make("dt", "", name), make("dd", "", ...children));
  });
  document.getElementById(id).replaceChildren(...divs);
  document.getElementById(`${id}-title`).textContent = t[id];
}

/** Uplink, buffer and clock. */
export function showFacts() {
  fillList("link", uplinkRows(gateway.status));
  fillList("buffer", bufferRows(gateway.status));
  fillList("time", clockRows(gateway.status));
}
