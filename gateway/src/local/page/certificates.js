import { reasonField } from "./alarms.js";
import { ask } from "./ask.js";
import { make } from "./elements.js";
import { t } from "./format.js";
import { age, day, gateway, nowMs } from "./gateway.js";

/** In groups of four, as people compare. */
const grouped = (fingerprint) => fingerprint.match(/.{1,4}/g)?.join(" ") ?? "";

function factsOf({ sourceId, certificate, firstSeenMs }) {
  const { fingerprintSha256, subject, issuer, validFromMs, validToMs, endpoint } = certificate;
  const isOver = nowMs() > validToMs;
  const rows = [
    [t.ofSource, `${sourceId} · ${endpoint}`],
    ["SHA-256", make("code", "fingerprint", grouped(fingerprintSha256))],
    [t.certificateSubject, subject],
    [t.certificateIssuer, issuer === subject ? t.selfSigned : issuer],
    [t.valid, `${day(validFromMs)} – ${day(validToMs)}${isOver ? ` · ▲ ${t.expired}` : ""}`],
    [t.firstSeen, age(firstSeenMs)],
  ];
  const list = make("dl", "facts");
  for (const [name, value] of rows) list.append(make("div", "", make("dt", "", name), make("dd", "", value)));
  return list;
}

const key = (card) => `${card.sourceId} ${card.certificate.fingerprintSha256}`;
export const keyOfCard = key;

export function certificateCard(card) {
  if (card.state === "approved") {
    const summary = make("summary", "", `● ${card.sourceId}: ${t.approved}`);
    const by = make("p", "muted", t.approvedBy(card.approvedBy ?? ""));
    return make("li", "", make("details", "", summary, by, factsOf(card)));
  }
  const { sourceId, certificate } = card;
  const button = make("button", "", t.approve);
  button.type = "button";
  button.addEventListener("click", () =>
    ask({
      heading: t.approve,
      about: [make("p", "", t.compare), factsOf(card)],
      fields: [reasonField()],
      address: "/certificates/approve",
      bodyOf: ({ name, reason }) => ({
        sourceId,
        fingerprintSha256: certificate.fingerprintSha256,
        name,
        reason,
      }),
    }),
  );
  return make(
    "li",
    "warning",
    make("div", "title", `▲ ${t.certificateWaits(sourceId)}`),
    factsOf(card),
    make("div", "acts", button),
  );
}

export const waitingCards = () => gateway.status.approvals.filter((card) => card.state === "waiting");
export const approvedCards = () => gateway.status.approvals.filter((card) => card.state === "approved");
