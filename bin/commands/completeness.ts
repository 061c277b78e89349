import { Command } from "commander";
import type { Config } from "../../core/config.ts";
import { SluiceError } from "../../core/errors.ts";
import { completenessOf, isMissing, type Minute } from "../completeness.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { minuteShape, type Stretch, stretchesOf } from "../formats/minute-shape.ts";
import { momentParser } from "../moment.ts";
import { printAll } from "../print-all.ts";
import { addRecordOptions, type RecordOptions, recordConfig } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";
import type { Span, Store } from "../store.ts";

const examples = `
Tells of every node and minute: complete; lost N (and where); silent (nobody says what happened); stopped (in good order).
The last half minute is left out: its records may still be on their way. -o wide has a line a minute.

Examples:
  sluice completeness --since 1h
  sluice completeness --since 2026-11-23T10:00 --until 2026-11-23T11:00 -o csv
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly since: number;
  readonly until?: number;
  readonly node?: string;
}

export function completenessCommand(rim: Rim = realRim): Command {
  const moment = momentParser(rim.clock);
  const command = new Command("completeness")
    .description("whether everything was seen and kept, by node and minute")
    .requiredOption("--since <time>", "from then on: 1h (ago), now-1d, 2026-11-23T10:00 (UTC)", moment)
    .option("--until <time>", "up to then", moment)
    .option("--node <name>", "only of this node")
    .addHelpText("after", examples);
  return addRecordOptions(command).action(async (options: Options) => {
    const span = spanOf(options, recordConfig(options, rim), rim.clock.now());
    const stretches = await printAll(options, rim, minuteShape, async (store) =>
      stretchesOf(await minutesOf(store, span, options.node), options.output === "table"),
    );
    conclude(stretches, rim);
  });
}

/** How long after the end of its ten seconds a heartbeat may become visible, beside the archive's wait. */
const onItsWayMs = 25_000;

function spanOf({ since, until }: Options, { archive }: Config, nowMs: number): Span {
  const settled = Math.floor(nowMs - onItsWayMs - archive.flushMs) * 1000;
  const span = { since, until: Math.min(until ?? settled, settled) };
  if (span.since < span.until) return span;
  throw new SluiceError("USAGE", "--since must be before --until, and at least half a minute ago");
}

/** A node that was heard of in the hour before is expected to be heard. */
const lookBackUs = 3_600_000_000;

async function minutesOf(store: Store, span: Span, node: string | undefined): Promise<readonly Minute[]> {
  const wider = { since: Math.max(0, span.since - lookBackUs), until: span.until + 2 * onItsWayMs * 1000 };
  const [heartbeats, losses, runs] = await Promise.all([
    store.heartbeats(wider),
    store.losses(wider),
    store.sequences(wider),
  ]);
  const minutes = completenessOf({ heartbeats, losses, runs }, span);
  return node === undefined ? minutes : minutes.filter((minute) => minute.node === node);
}

function conclude(stretches: readonly Stretch[], rim: Rim): void {
  if (stretches.length === 0) rim.note("no node told anything in this time, nor in the hour before");
  if (stretches.length === 0 || stretches.some(isMissing)) rim.exit(exitCodes.finding);
}
