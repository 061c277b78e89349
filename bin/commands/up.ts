import { Command, Option } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { keepHeapLean } from "../../core/lean-heap.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Part } from "../../core/service.ts";
import { modesOf } from "../../enforcer/modes.ts";
import { allOnBus } from "../bus/all-on-bus.ts";
import { Engine } from "../engine.ts";
import { engineArchive } from "../engine-archive.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { controlResources } from "../objects/control-resources.ts";
import { openObjects } from "../objects/open-objects.ts";
import { openControlLog } from "../open-control-log.ts";
import { addSettings, configOf, durationOption, outputOption } from "../options.ts";
import { type OutputFormat, openOutput, policyText } from "../output.ts";
import { type Seat, seatOption, seatsOf } from "../seat-option.ts";
import { serve } from "../serve.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";

const examples = `
Watches a folder of Kubernetes YAML (pods, namespaces, nodes, services, policies) or an API server, enforces the policies on this node and
prints who talks to whom. With --enforcer.mode observe it blocks nothing and tells what the policies would decide: a good
first step. There must be the Node that this machine is (--node.name). At the end the rules are removed, unless
--leave-rules says otherwise; after kill -9 they stay in force until the next run, or: nft delete table inet sluice

Examples:
  sluice up --objects.folder DIR --node.name node-1 --enforcer.mode observe
  sluice up --objects.folder DIR --node.name node-1 -o jsonl | jq .
  sluice up --objects.source api --node.name node-1 --enforcer.mode observe
  sluice up --objects.folder DIR --node.name node-1 --bus kafka --bus.brokers kafka-0:9092
  sluice lab up lab/demo --name mine      and in a second shell:
  sluice up --objects.folder lab/demo --seat node-1=sluice-mine-node-node-1 --seat node-2=sluice-mine-node-node-2
${exitCodeHelp}`;

interface Options {
  readonly output: OutputFormat;
  readonly duration?: number;
  readonly seat: readonly Seat[];
  readonly leaveRules: boolean;
  readonly bus: "none" | "kafka";
}

export function upCommand(): Command {
  const command = new Command("up")
    .description("collect, enforce and explain on this machine, from a folder of manifests")
    .addOption(outputOption())
    .addOption(durationOption())
    .addOption(seatOption())
    .addOption(
      new Option("--bus <kind>", "kafka: the stages meet on the topics of --bus.brokers instead of in memory")
        .choices(["none", "kafka"])
        .default("none"),
    )
    .option("--leave-rules", "leave the rules in force at the end", false)
    .addHelpText("after", examples);
  return addSettings(command).action((options: Options) => {
    const config = configOf({ ...options }, process.env);
    keepHeapLean();
    return serve([upPart(config, options)], { duration: options.duration, level: config.log.level });
  });
}

function upPart(config: Config, { output, seat, leaveRules, bus }: Options): Part {
  return {
    name: "sluice",
    async run({ stop: asked, ready, end }) {
      const log = stderrLog(config.log.level);
      const out = openOutput(output, process.stdout);
      const stop = AbortSignal.any([asked, out.closed]);
      out.closed.addEventListener("abort", end, { once: true });
      stop.addEventListener("abort", out.end, { once: true });
      const metrics = new Metrics();
      const told = { onFault: out.fault, onMended: out.mended };
      const rim = { config, clock: systemClock, log, metrics };
      const objects = openObjects({ ...rim, beside: controlResources, ...told });
      const seats = seatsOf(seat, config.node.name);
      const onBus = bus === "kafka" ? allOnBus(rim, stop) : undefined;
      const engine = new Engine({
        seats,
        objects,
        config,
        clock: systemClock,
        log,
        flows: out.flows,
        losses: out.losses,
        changes: out.changes,
        controlLog: openControlLog({ ...rim, objects }),
        ...(onBus?.options ?? { openStore: engineArchive({ config, clock: systemClock, log }) }),
        metrics,
        onPolicy: (notice) => out.notice(policyText(notice)),
        onNotice: out.notice,
        onAlert: (text) => out.notice(`! ${text}`),
        onTamper: out.tampered,
        leaveRules,
      });
      let began = false;
      const begin = async (until: AbortSignal) => {
        await engine.ready(until);
        if (until.aborted) return;
        began = true;
        out.notice(startText(config, seats));
        out.begin();
        ready();
      };
      try {
        const observed = { metrics, engine, address: config.metrics.listen };
        await together(stop, [(until) => engine.run(until), (until) => serveMetrics(observed, until), begin]);
      } finally {
        await onBus?.close();
        if (began) await out.close();
      }
    },
  };
}

function startText({ enforcer }: Config, seats: readonly Seat[]): string {
  const { hasRules } = modesOf(enforcer);
  const names = (some: readonly Seat[]) => some.map(({ node }) => node).join(", ");
  const [enforcing, observing] = [
    seats.filter(({ node }) => hasRules(node)),
    seats.filter(({ node }) => !hasRules(node)),
  ];
  if (enforcing.length === 0) return `observing ${names(observing)}; nothing is blocked`;
  const rest = observing.length === 0 ? "" : `; observing ${names(observing)}`;
  return `the rules are in force on ${names(enforcing)}${rest}`;
}
