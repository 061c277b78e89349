import { Command } from "commander";
import type { Config } from "../../core/config.ts";
import { SluiceError } from "../../core/errors.ts";
import type { FlowQuery, FlowStore } from "../../core/flow-store.ts";
import type { Flow } from "../../core/records/flow.ts";
import { type AccessOptions, addAccessOptions, seenStore } from "../access-options.ts";
import { parseCount } from "../count.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addFlowOptions, type FlowOptions, noFlows } from "../flow-options.ts";
import { followed, newest, pagesOf } from "../flow-reading.ts";
import { flowShape } from "../formats/flow-shape.ts";
import { FlowTable } from "../formats/flow-table.ts";
import type { Printer } from "../formats/format.ts";
import { printerFor } from "../formats/printer.ts";
import { addForeignFlags, formatOf } from "../hubble.ts";
import { visibleAfterMs } from "../open-store.ts";
import { addStoreOptions, type RecordOptions, recordConfig, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Without --since, --until, --first, --last or --all: the last 20. Times are UTC. The flags of hubble observe work.

Examples:
  sluice flows --since 5m --verdict deny
  sluice flows --follow -n prod-shop --not --protocol udp
  sluice flows --since 1h --from-pod dev-shop/web --to-label app=api,env=prod -o wide
  sluice flows --since 1h --as ann --as-group web-team     what ann may read, by the cluster's RBAC
  sluice flows --since 2026-11-23T10:00 --filter 'policy ~ security.* and bytes > 1M' -o csv
${exitCodeHelp}`;

interface Options extends FlowOptions, RecordOptions, AccessOptions {
  readonly first?: number;
  readonly last?: number;
  readonly all: boolean;
  readonly follow: boolean;
}

export function flowsCommand(rim: Rim = realRim): Command {
  const command = new Command("flows").description("find connections and denials again, and which policy decided");
  const queryOf = addFlowOptions(command, rim.clock);
  command
    .option("--first <count>", "only the oldest so many", parseCount)
    .option("--last <count>", "only the newest so many", parseCount)
    .option("--all", "all there are", false)
    .option("-f, --follow", "go on as new ones come, until Ctrl-C", false)
    .addHelpText("after", examples);
  addAccessOptions(addStoreOptions(command));
  return addForeignFlags(command, (text) => rim.note(text)).action(async (given: Options) => {
    const options = { ...given, output: formatOf(given.output) };
    if (options.first !== undefined && options.last !== undefined)
      throw new SluiceError("USAGE", "--first and --last exclude each other");
    const query = queryOf(options);
    const config = recordConfig(options, rim);
    const opened = await rim.openStore(config);
    try {
      const store = seenStore(opened, options, query.filter, rim.clock);
      if (options.follow) await rim.untilStopped((signal) => show({ store, query, options, config, rim, signal }));
      else await show({ store, query, options, config, rim, signal: new AbortController().signal });
    } finally {
      await opened.close();
    }
  });
}

interface Show {
  readonly store: FlowStore;
  readonly query: FlowQuery;
  readonly options: Options;
  readonly config: Config;
  readonly rim: Rim;
  readonly signal: AbortSignal;
}

async function show({ store, query, options, config, rim, signal: stopped }: Show): Promise<void> {
  const out = recordOutput(options, rim);
  const signal = AbortSignal.any([stopped, out.output.closed]);
  const isTable = options.output === "table" || options.output === "wide";
  const printer: Printer<Flow> = isTable
    ? new FlowTable({ ...out, wide: options.output === "wide" })
    : printerFor(options.output, flowShape, out);
  let isEmpty = true;
  for await (const flows of flowsOf({ store, query, options, config, rim, signal })) {
    isEmpty &&= flows.length === 0;
    await printer.print(flows);
  }
  await printer.end();
  if (isEmpty && !options.follow) rim.note(noFlows);
}

const defaultLast = 20;

async function* flowsOf({ store, query, options, config, rim, signal }: Show): AsyncGenerator<readonly Flow[]> {
  const { first, since, until, all, follow } = options;
  const bounded = first !== undefined || since !== undefined || until !== undefined || all;
  const last = options.last ?? (bounded || follow ? undefined : defaultLast);
  const told = last === undefined ? [] : await newest(store, query, last, signal);
  if (told.length > 0) yield told;
  if (follow) {
    const begin = told[0]?.start ?? (bounded ? query.since : Math.floor(rim.clock.now()) * 1000);
    const following = { clock: rim.clock, lateMs: lateMs(config), told };
    yield* followed(store, { ...query, since: Math.max(query.since, begin) }, following, signal);
  } else if (last === undefined) {
    yield* pagesOf(store, { ...query, order: "oldest", limit: first ?? Number.POSITIVE_INFINITY }, signal);
  }
}

/** A record becomes visible after its window, the wait for its owners and the store's; twice that, for slow days. */
function lateMs(config: Config): number {
  const { collector, enricher } = config;
  return 2 * (collector.windowMs + enricher.holdBackMs + visibleAfterMs(config)) + 60_000;
}
