import { Command } from "commander";
import type { Config } from "../../core/config.ts";
import { SluiceError } from "../../core/errors.ts";
import { type Asked, completenessOf, type Evidence, isMissing, type Minute, nodesOf } from "../completeness.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { minuteShape, stretchesOf } from "../formats/minute-shape.ts";
import { momentParser } from "../moment.ts";
import { visibleAfterMs } from "../open-store.ts";
import { printAll } from "../print-all.ts";
import { addStoreOptions, type RecordOptions, recordConfig } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";
import type { Store } from "../store.ts";

const examples = `
Tells of every node and minute: complete; lost N (and where); silent (nobody says what happened); stopped (in good order).
A node that still runs is judged up to half a minute ago, since its records may be on their way; one that stopped, up to its end.
The table puts minutes together that are alike; every other format has a record a minute (or part of one). Exit code 3: something
is missing, or no node told anything.

Examples:
  sluice completeness --since 1h
  sluice completeness --since 2026-11-23T10:00 --until 2026-11-23T11:00 -o csv
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly since?: number;
  readonly until?: number;
  readonly node?: string;
}

export function completenessCommand(rim: Rim = realRim): Command {
  const moment = momentParser(rim.clock);
  const command = new Command("completeness")
    .description("whether everything was seen and kept, by node and minute")
    .option("--since <time>", "from then on: 1h (ago, the default), now-1d, 2026-11-23T10:00 (UTC)", moment)
    .option("--until <time>", "up to then", moment)
    .option("--node <name>", "only of this node")
    .addHelpText("after", examples);
  return addStoreOptions(command).action(async (options: Options) => {
    const asked = askedBy(options, recordConfig(options, rim), rim.clock.now());
    let known: readonly string[] = [];
    const minutes = await printAll(options, rim, minuteShape, async (store) => {
      const evidence = ofNode(await evidenceOf(store, asked), options.node);
      known = nodesOf(evidence);
      const all = completenessOf(evidence, asked);
      return options.output === "table" ? stretchesOf(all) : all;
    });
    conclude(minutes, known, rim);
  });
}

/** A node that was heard of in the hour before is expected to be heard. */
const lookBackUs = 3_600_000_000;

/** How long after the end of its ten seconds a heartbeat may become visible, beside the store's wait. */
const onItsWayMs = 25_000;

function askedBy({ since, until }: Options, config: Config, nowMs: number): Asked {
  const settled = Math.floor(nowMs - onItsWayMs - visibleAfterMs(config)) * 1000;
  const now = Math.floor(nowMs) * 1000;
  const asked = { since: since ?? now - lookBackUs, until: Math.min(until ?? Number.POSITIVE_INFINITY, now), settled };
  if (asked.since < asked.until) return asked;
  throw new SluiceError("USAGE", "--since must be before --until, and in the past");
}

async function evidenceOf(store: Store, { since, until }: Asked): Promise<Evidence> {
  const wider = { since: Math.max(0, since - lookBackUs), until: until + 2 * onItsWayMs * 1000 };
  const [heartbeats, losses, runs] = await Promise.all([
    store.heartbeats(wider),
    store.losses(wider),
    store.sequences(wider),
  ]);
  return { since: wider.since, heartbeats, losses, runs };
}

function ofNode(evidence: Evidence, name: string | undefined): Evidence {
  const isAsked = ({ node }: { readonly node: string }) => name === undefined || node === name;
  const { heartbeats, losses } = evidence;
  return { ...evidence, heartbeats: heartbeats.filter(isAsked), losses: losses.filter(isAsked) };
}

function conclude(minutes: readonly Minute[], nodes: readonly string[], rim: Rim): void {
  if (nodes.length === 0) rim.note("no node told anything in this time, nor in the hour before");
  else if (minutes.length === 0)
    rim.note(`nothing to judge yet, records of ${nodes.join(", ")} are on their way: ask again in half a minute`);
  if (minutes.length === 0 || minutes.some(isMissing)) rim.exit(exitCodes.finding);
}
