import assert from "node:assert/strict";
import { endReasonOf } from "../../collectors/end-reason.ts";
import { seenReply } from "../../core/conntrack/entry.ts";
import type { EndReason } from "../../core/records/flow.ts";
import { entry, tuple } from "./entries.ts";

const [none, synSent, synReceived, established, finWait, closeWait, lastAck, timeWait, close] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8],
] as const;
const [sctpClosed, sctpCookieWait, sctpEstablished, sctpShutdownAckSent] = [1, 2, 4, 7] as const;
const udp = { original: tuple("10.0.0.1 1000", "10.0.0.2 53", { protocol: 17 }) };
const sctp = { original: tuple("10.0.0.1 1000", "10.0.0.2 80", { protocol: 132 }) };
const answered = { status: seenReply };
const soon = { timeout: 100 };
const byProgram = { timeout: 100, deletedBy: 4711 };

type Destroyed = Parameters<typeof entry>[1];
const cases: readonly {
  readonly title: string;
  readonly destroyed: Destroyed;
  readonly replied?: boolean;
  readonly is: EndReason;
}[] = [
  { title: "TCP that both ends closed", destroyed: { ...answered, tcpState: timeWait }, is: "finished" },
  { title: "TCP whose last acknowledgement is missing", destroyed: { ...answered, tcpState: lastAck }, is: "finished" },
  {
    title: "TCP that was over when its entry was deleted",
    destroyed: { ...answered, ...byProgram, tcpState: timeWait },
    is: "finished",
  },
  {
    title: "TCP whose ports were used again before the kernel forgot it",
    destroyed: { ...answered, ...soon, tcpState: timeWait },
    is: "finished",
  },
  { title: "TCP that an end reset", destroyed: { ...answered, tcpState: close }, is: "reset" },
  { title: "TCP that was reset before it was answered", destroyed: { ...soon, tcpState: close }, is: "refused" },
  { title: "TCP without answer", destroyed: { tcpState: synSent }, replied: false, is: "unanswered" },
  { title: "TCP whose handshake stopped half-way", destroyed: { ...answered, tcpState: synReceived }, is: "halfOpen" },
  { title: "TCP that fell silent", destroyed: { ...answered, tcpState: established }, is: "timedOut" },
  { title: "TCP that one end closed", destroyed: { ...answered, tcpState: finWait }, is: "timedOut" },
  { title: "TCP that one end closed and nobody else", destroyed: { ...answered, tcpState: closeWait }, is: "timedOut" },
  { title: "TCP of a kernel that does not tell the state", destroyed: { ...answered, tcpState: none }, is: "timedOut" },
  {
    title: "TCP whose entry was deleted",
    destroyed: { ...answered, ...byProgram, tcpState: established },
    is: "deleted",
  },
  {
    title: "TCP whose entry was deleted before an answer",
    destroyed: { ...byProgram, tcpState: synSent },
    replied: false,
    is: "deleted",
  },
  {
    title: "TCP that the kernel removed before its time",
    destroyed: { ...answered, ...soon, tcpState: established },
    is: "removed",
  },
  { title: "UDP", destroyed: { ...udp, ...answered }, is: "expired" },
  { title: "UDP without answer", destroyed: udp, replied: false, is: "unanswered" },
  { title: "UDP whose entry was deleted", destroyed: { ...udp, ...byProgram }, replied: false, is: "deleted" },
  { title: "UDP for which there was no room", destroyed: { ...udp, ...soon }, replied: false, is: "removed" },
  { title: "SCTP that was shut down", destroyed: { ...sctp, sctpState: sctpShutdownAckSent }, is: "finished" },
  { title: "SCTP that is closed", destroyed: { ...sctp, sctpState: sctpClosed }, is: "finished" },
  { title: "SCTP without answer", destroyed: { ...sctp, sctpState: sctpClosed }, replied: false, is: "unanswered" },
  {
    title: "SCTP whose handshake stopped half-way",
    destroyed: { ...sctp, sctpState: sctpCookieWait },
    is: "halfOpen",
  },
  { title: "SCTP that fell silent", destroyed: { ...sctp, sctpState: sctpEstablished }, is: "timedOut" },
];

describe("how a connection ended", () => {
  for (const { title, destroyed, replied = true, is } of cases)
    it(`${title}: ${is}`, () => assert.equal(endReasonOf(entry("destroy", destroyed), replied), is));
});
