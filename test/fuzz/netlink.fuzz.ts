import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { systemClock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { NetlinkTrial, type Tally } from "../support/netlink/netlink-trial.ts";
import type { NetlinkFuzz, NetlinkNews } from "./netlink-worker.ts";

// npm run fuzz -- netlink [--minutes N] [--seed N] [--replay FILE]. Nothing of the kernel is touched: messages are captured ones, changed. A
// worker tries them; who hangs is known by saying nothing.

// Of CPU time: on a machine that is busy otherwise a worker that is well may say nothing for as long.
const silenceMs = 30_000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: "string" }, seed: { type: "string" }, replay: { type: "string" } },
  });
  if (values.replay !== undefined) return again(values.replay);
  const minutes = numberOf("--minutes", values.minutes ?? "1");
  const seed = Math.trunc(numberOf("--seed", values.seed ?? String(systemClock.now() % 1_000_000_000)));
  console.log(`seed ${seed}, ${minutes} minutes`);
  return fuzz({ seed, ms: minutes * 60_000 });
}

function numberOf(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${flag} must be a number, not "${text}"`);
  return value;
}

async function fuzz(options: NetlinkFuzz): Promise<number> {
  const end = await outcomeOf(options);
  if (end.kind === "done") {
    console.log(`${tallyText(end)}\nnothing found`);
    return 0;
  }
  const file = `netlink-${end.seed}.hex`;
  writeFileSync(file, end.datagram);
  console.log(
    `${end.fault}\nagain: npm run fuzz -- netlink --seed ${end.seed}; its last datagram alone: --replay ${file}`,
  );
  return 1;
}

type End = Exclude<NetlinkNews, { kind: "progress" }>;

async function outcomeOf(options: NetlinkFuzz): Promise<End> {
  const worker = new Worker(new URL("./netlink-worker.ts", import.meta.url), { workerData: options });
  const ended = new AbortController();
  const heard = { at: usedMs(), seed: options.seed };
  const end = new Promise<End>((resolve, reject) => {
    worker.on("message", (news: NetlinkNews) => {
      heard.at = usedMs();
      heard.seed = news.seed;
      if (news.kind === "progress") console.log(tallyText(news));
      else resolve(news);
    });
    worker.on("error", reject);
  });
  try {
    return await Promise.race([end, silence(heard, ended.signal)]);
  } finally {
    ended.abort();
    await worker.terminate();
  }
}

/** What all threads of this process used. */
function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Resolves when nothing was heard for long. */
async function silence(heard: { readonly at: number; readonly seed: number }, ended: AbortSignal): Promise<End> {
  while (!ended.aborted && usedMs() - heard.at < silenceMs) await systemClock.sleep(1_000, ended);
  return {
    kind: "fault",
    seed: heard.seed,
    fault: `hangs in the trial of seed ${heard.seed} or the next`,
    datagram: "",
  };
}

function tallyText({ ms, tally }: { readonly ms: number; readonly tally: Tally }): string {
  const { messages, entries, logged, refused, records } = tally;
  const taken = `${entries} taken as connections, ${logged} as packets, ${refused} refused`;
  return `${messages} messages in ${(ms / 1_000).toFixed(0)} s, ${taken}; ${records} records, all well-formed`;
}

function again(file: string): number {
  const trial = new NetlinkTrial(0);
  try {
    trial.replay(readFileSync(file, "latin1").trim());
  } catch (thrown) {
    console.log(messageOf(thrown));
    return 1;
  }
  console.log("nothing found");
  return 0;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(messageOf(thrown));
  process.exitCode = 2;
}
