import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { NetlinkTrial, type Tally } from "../support/netlink/netlink-trial.ts";

// Tries messages until the time is over, a new trial every so many, so that a failure comes again from a seed and a number below that.

export interface NetlinkFuzz {
  readonly seed: number;
  readonly ms: number;
}

export type NetlinkNews =
  | { readonly kind: "progress"; readonly seed: number; readonly ms: number; readonly tally: Tally }
  | { readonly kind: "done"; readonly seed: number; readonly ms: number; readonly tally: Tally }
  | { readonly kind: "fault"; readonly seed: number; readonly fault: string; readonly datagram: string };

const datagramsPerTrial = 100_000;
const progressMs = 10_000;

// Most messages are refused, and a stack for each would take most of the time.
Error.stackTraceLimit = 0;

const { seed, ms: limit } = workerData as NetlinkFuzz;
const begun = systemClock.monotonic();
const passed = () => systemClock.monotonic() - begun;
const post = (news: NetlinkNews) => parentPort?.postMessage(news);

let tally: Tally = { messages: 0, entries: 0, logged: 0, refused: 0, records: 0 };
let shown = 0;
let found = false;
for (let turn = 0; !found && passed() < limit; turn++) found = tryOne(seed + turn);
if (!found) post({ kind: "done", seed, ms: passed(), tally });

/** Whether a fault was found. */
function tryOne(seed: number): boolean {
  const trial = new NetlinkTrial(seed);
  try {
    for (let count = 0; count < datagramsPerTrial; count++) trial.step();
  } catch (thrown) {
    post({ kind: "fault", seed, fault: messageOf(thrown), datagram: trial.datagram });
    return true;
  }
  tally = sum(tally, trial.tally);
  if (passed() > shown + progressMs) {
    shown = passed();
    post({ kind: "progress", seed, ms: shown, tally });
  }
  return false;
}

function sum(a: Tally, b: Tally): Tally {
  return {
    messages: a.messages + b.messages,
    entries: a.entries + b.entries,
    logged: a.logged + b.logged,
    refused: a.refused + b.refused,
    records: a.records + b.records,
  };
}
