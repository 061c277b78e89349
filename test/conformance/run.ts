import { basename } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { Dataplane } from "../support/dataplane/dataplane.ts";
import { untellable } from "../support/dataplane/untellable.ts";
import { readCases } from "./case.ts";
import { check } from "./check.ts";
import { checkOnDataplane, type Outcome } from "./check-dataplane.ts";

// npm run conformance -- [--dataplane] FILE...: checks the policy engine against truth tables; exits 1 if any case fails.

const shownPerCase = 5;

const usage = `usage: npm run conformance -- [--dataplane] FILE...

Checks the policy engine against truth tables (one JSON case per line; docs/conformance.md).
With --dataplane, the rules are loaded into the kernel (root; in network namespaces that are made for it), and the probes are packets.
Prints the failing cases and, per file, how many passed; a case of which a probe got no answer is none of them. Exit code 0: no case
failed, 1: a case failed, 2: no such file.`;

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

async function main(words: readonly string[]): Promise<number> {
  const files = words.filter((word) => !word.startsWith("-"));
  const flags = words.filter((word) => word.startsWith("-"));
  if (flags.includes("--help") || flags.includes("-h")) {
    console.log(usage);
    return 0;
  }
  const unknown = flags.find((flag) => flag !== "--dataplane");
  if (unknown !== undefined || files.length === 0) {
    console.error(unknown === undefined ? usage : `there is no option ${unknown}\n${usage}`);
    return 2;
  }
  const tallies = flags.includes("--dataplane") ? await runOnDataplane(files) : files.map(runFile);
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  console.log(`total: ${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function runFile(path: string): Tally {
  const outcomes = readCases(path).map((one) => ({ id: one.value.id, faults: check(one) }));
  for (const { id, faults } of outcomes) show(id, faults);
  const tally = tallyOf(outcomes);
  console.log(`${basename(path)}: ${tally.passed} passed, ${tally.failed} failed`);
  return tally;
}

async function runOnDataplane(files: readonly string[]): Promise<readonly Tally[]> {
  const dataplane = await Dataplane.open();
  try {
    const tallies: Tally[] = [];
    for (const file of files) tallies.push(await runFileOn(dataplane, file));
    return tallies;
  } finally {
    await dataplane.close();
  }
}

async function runFileOn(dataplane: Dataplane, path: string): Promise<Tally> {
  const begun = systemClock.monotonic();
  const outcomes: Outcome[] = [];
  for (const one of readCases(path)) {
    const outcome = await checkOnDataplane(dataplane, one);
    if (outcome.skipped !== null) console.log(`skip ${one.value.id}: ${outcome.skipped}`);
    show(one.value.id, outcome.faults);
    outcomes.push(outcome);
  }
  const seconds = (systemClock.monotonic() - begun) / 1000;
  const tried = outcomes.filter(({ skipped }) => skipped === null);
  const tally = tallyOf(tried.filter(({ untold, faults }) => untold.length === 0 || faults.length > 0));
  const untold = tried.length - tally.passed - tally.failed;
  const packets = tried.reduce((sum, outcome) => sum + outcome.packets, 0);
  const rate = `${packets} packets in ${seconds.toFixed(1)} s, ${Math.round(packets / seconds)} a second`;
  const rest = `${untold} without all answers, ${outcomes.length - tried.length} skipped`;
  console.log(`${basename(path)}: ${tally.passed} passed, ${tally.failed} failed, ${rest}; ${rate}`);
  const reasons = Map.groupBy(
    tried.flatMap((outcome) => outcome.untold),
    (why) => why,
  );
  for (const [why, list] of reasons) console.log(`  no answer: ${list.length} packets: ${untellable[why]}`);
  return tally;
}

function show(id: string, faults: readonly string[]): void {
  if (faults.length > 0) console.log(`FAIL ${id}`);
  for (const fault of faults.slice(0, shownPerCase)) console.log(`     ${fault.replaceAll("\n", "\n     ")}`);
  if (faults.length > shownPerCase) console.log(`     and ${faults.length - shownPerCase} more`);
}

function tallyOf(outcomes: readonly { readonly faults: readonly string[] }[]): Tally {
  const failed = outcomes.filter(({ faults }) => faults.length > 0).length;
  return { passed: outcomes.length - failed, failed };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  console.error(messageOf(thrown));
  process.exitCode = 2;
}
