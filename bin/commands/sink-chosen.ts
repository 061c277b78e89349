import { Command, InvalidArgumentError, Option } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { parseFilter } from "../../core/filter/parse.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Part } from "../../core/service.ts";
import { type ChosenKind, type ChosenSinks, chosenKinds, chosenTopics } from "../bus/chosen-topics.ts";
import { onBus } from "../bus/on-bus.ts";
import { requireBus } from "../bus/open-bus.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { serve } from "../serve.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";

/** A sink for chosen records: where to, and what it holds meanwhile. */
export interface ChosenTarget {
  readonly sinks: Required<ChosenSinks>;
  close(): void | Promise<void>;
}

interface ChosenCommand {
  readonly name: string;
  readonly description: string;
  readonly help: string;
  /** Settings that it has no use for. */
  readonly others: RegExp;
  /** Throws CONFIG_INVALID where its settings lack something. */
  readonly open: (config: Config) => ChosenTarget;
}

interface Options {
  readonly duration?: number;
  readonly filter?: string;
  readonly kinds: readonly ChosenKind[];
  readonly group: string;
}

/** `sluice sink NAME` for those who want a part of the records elsewhere. */
export function chosenSinkCommand({ name, description, help, others, open }: ChosenCommand): Command {
  const command = new Command(name)
    .description(description)
    .option("--filter <filter>", "which flows (docs/reference/fields.md); all without it")
    .addOption(kindsOption())
    .addOption(groupOption(name))
    .addOption(durationOption())
    .addHelpText("after", help);
  return addSettings(command, { decided: others }).action((options: Options) => {
    const config = configOf({ ...options }, process.env);
    requireBus(config);
    const filter = options.filter === undefined ? undefined : parseFilter(options.filter, systemClock.now());
    const target = open(config);
    const part: Part = {
      name: "sluice",
      async run({ stop, ready }) {
        const rim = { config, clock: systemClock, log: stderrLog(config.log.level), metrics: new Metrics() };
        const begun = Promise.withResolvers<void>();
        const engine = { opened: () => Promise.resolve(), ready: () => begun.promise };
        const sinks = Object.fromEntries(options.kinds.map((kind) => [kind, target.sinks[kind]])) as ChosenSinks;
        try {
          await onBus(rim, stop, (topics) => {
            ready();
            begun.resolve();
            return together(stop, [
              (until) => chosenTopics({ ...rim, topics, group: options.group, filter, sinks }, until),
              (until) => serveMetrics({ metrics: rim.metrics, engine, address: config.metrics.listen }, until),
            ]);
          });
        } finally {
          await target.close();
        }
      },
    };
    return serve([part], { duration: options.duration, level: config.log.level });
  });
}

function kindsOption(): Option {
  return new Option("--kinds <kinds>", `which records, with commas: ${chosenKinds.join(", ")}`)
    .default(["flow", "loss", "change"], "flow,loss,change")
    .argParser((text) => {
      const kinds = text.split(",").map((kind) => kind.trim());
      const wrong = kinds.filter((kind) => !chosenKinds.some((known) => known === kind));
      if (wrong.length > 0) throw new InvalidArgumentError(`There is no ${wrong.join(", ")}.`);
      return kinds;
    });
}

/** Two sinks with different filters must not share records. */
function groupOption(name: string): Option {
  return new Option("--group <name>", "of consumers; sinks of the same name share the records")
    .default(name)
    .argParser((text) => {
      if (/^[a-z0-9][-a-z0-9]{0,40}$/.test(text)) return text;
      throw new InvalidArgumentError("Write lower-case letters, digits and `-`.");
    });
}
