import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { caseText, readCase } from "../support/agreement/saved-case.ts";
import { replay, type Search, searchWorld } from "../support/agreement/search.ts";
import { type SourceName, sourceNames } from "../support/agreement/source.ts";
import { Dataplane } from "../support/dataplane/dataplane.ts";
import { type Untellable, untellable } from "../support/dataplane/untellable.ts";

// npm run fuzz -- agreement [--minutes N] [--seed N] [--replay FILE]. Root; nothing outside the network namespaces that it makes is touched.
// World n of a run has the seed SEED + n, from one of the sources by turns.

const progressMs = 10_000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: "string" }, seed: { type: "string" }, replay: { type: "string" } },
  });
  const minutes = numberOf("--minutes", values.minutes ?? "1");
  const seed = Math.trunc(numberOf("--seed", values.seed ?? String(systemClock.now() % 1_000_000_000)));
  const dataplane = await Dataplane.open();
  try {
    return await (values.replay === undefined ? fuzz(dataplane, minutes, seed) : again(dataplane, values.replay));
  } finally {
    await dataplane.close();
  }
}

function numberOf(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${flag} must be a number, not "${text}"`);
  return value;
}

async function fuzz(dataplane: Dataplane, minutes: number, seed: number): Promise<number> {
  console.log(`seed ${seed}, ${minutes} minutes`);
  const tally = new Tally();
  while (tally.ms < minutes * 60_000) {
    const turn = tally.worlds;
    const source = sourceNames[turn % sourceNames.length] as SourceName;
    const search = await searchWorld(dataplane, source, seed + turn);
    tally.add(search);
    if (search.disagreement === null) continue;
    const file = `agreement-${source}-${seed + turn}.json`;
    writeFileSync(file, caseText(search.disagreement));
    const { text } = await replay(dataplane, search.disagreement);
    console.log(`${tally.text}\nDISAGREE in ${source} ${seed + turn}\n${text}`);
    console.log(`saved: npm run fuzz -- agreement --replay ${file}`);
    return 1;
  }
  console.log(`${tally.text}\n${tally.untoldText}nothing found`);
  return 0;
}

async function again(dataplane: Dataplane, file: string): Promise<number> {
  const { agree, text } = await replay(dataplane, readCase(file));
  console.log(`${text}\n${agree ? "agree" : "DISAGREE"}`);
  return agree ? 0 : 1;
}

class Tally {
  worlds = 0;
  #packets = 0;
  readonly #untold = new Map<Untellable, number>();
  readonly #begun = systemClock.monotonic();
  #shown = 0;

  get ms(): number {
    return systemClock.monotonic() - this.#begun;
  }

  get text(): string {
    const rate = Math.round((this.#packets / this.ms) * 1000);
    return `${this.worlds} worlds, ${this.#packets} packets in ${(this.ms / 1000).toFixed(0)} s, ${rate} a second`;
  }

  get untoldText(): string {
    return [...this.#untold].map(([why, count]) => `  not compared: ${count} packets: ${untellable[why]}\n`).join("");
  }

  add({ packets, untold }: Search): void {
    this.worlds += 1;
    this.#packets += packets;
    for (const why of untold) this.#untold.set(why, (this.#untold.get(why) ?? 0) + 1);
    if (this.ms < this.#shown + progressMs) return;
    this.#shown = this.ms;
    console.log(this.text);
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(messageOf(thrown));
  process.exitCode = 2;
}
