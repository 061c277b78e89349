import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { aborted } from "../../core/aborted.ts";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { type Log, stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Part } from "../../core/service.ts";
import type { Lab } from "../../lab/lab.ts";
import { readLab, workingCopy } from "../../lab/lab-folder.ts";
import { runScenario } from "../../lab/run-scenario.ts";
import type { Scenario, ScenarioStep } from "../../lab/scenario.ts";
import { ApiCluster } from "../demo/api-cluster.ts";
import { deeds } from "../demo/people.ts";
import { perform } from "../demo/perform.ts";
import { Engine } from "../engine.ts";
import { engineArchive } from "../engine-archive.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { controlResources } from "../objects/control-resources.ts";
import { openObjects } from "../objects/open-objects.ts";
import { openControlLog } from "../open-control-log.ts";
import { addSettings, configOf, durationOption, outputOption } from "../options.ts";
import { type Output, type OutputFormat, openOutput, policyText } from "../output.ts";
import { serve } from "../serve.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";

const manifests = fileURLToPath(new URL("../../lab/demo/", import.meta.url));

const examples = `
Builds a cluster of two nodes and 15 pods from network namespaces on this machine, lets real traffic cross real nftables
rules, and prints each connection with pods, labels and the tier and policy that decided. While it runs a pod is replaced by
another on the same address, and a label change puts a pod into quarantine. Whoever changes its rules is named and undone: try, as
root in another terminal, ip netns exec sluice-demo-node-node-1 nft flush ruleset. Ctrl-C (or --duration) ends it with a summary.

Examples:
  sluice demo --duration 30s
  sluice demo --name two --data.folder /tmp/two      a second one beside it
  sluice demo --api-server --duration 40s            on a real Kubernetes API server, with two people who change policies
  sluice demo --duration 30s -o jsonl | jq 'select(.action == "deny")'
${exitCodeHelp}`;

interface Options {
  readonly output: OutputFormat;
  readonly duration?: number;
  readonly name: string;
  readonly apiServer: boolean;
}

/** A window of one second, so that a connection shows within two; logs only of what goes wrong; no port that may be taken; DNS of nobody. */
const own = {
  defaults: {
    "collector.windowMs": 1_000,
    "log.level": "warn",
    "cluster.name": "demo",
    "metrics.listen": "off",
    "dns.enabled": true,
  },
  decided: [
    "objects.source",
    "objects.folder",
    "objects.kubeconfig",
    "objects.context",
    "node.name",
    "enforcer.podInterfacePrefixes",
  ],
};

export function demoCommand(): Command {
  const command = new Command("demo")
    .description("a cluster on this machine with real traffic, and everything Sluice does about it")
    .addOption(outputOption())
    .addOption(durationOption())
    .option(
      "--api-server",
      "keep the objects in a Kubernetes API server on this machine, built with Go the first time",
      false,
    )
    .option("--name <name>", "of the lab, for a second one beside it: lower-case letters and digits", "demo")
    .addHelpText("after", examples);
  return addSettings(command, own).action(({ name, apiServer, ...options }: Options) => {
    const config = configOf({ ...options }, process.env, own);
    return serve([demoPart(config, options.output, name, apiServer)], {
      duration: options.duration,
      level: config.log.level,
    });
  });
}

function demoPart(config: Config, format: OutputFormat, name: string, hasApiServer: boolean): Part {
  return {
    name: "demo",
    async run({ stop: asked, ready, end }) {
      const log = stderrLog(config.log.level);
      const out = openOutput(format, process.stdout);
      const stop = AbortSignal.any([asked, out.closed]);
      out.closed.addEventListener("abort", end, { once: true });
      stop.addEventListener("abort", out.end, { once: true });
      const { lab, scenario } = await readLab({ name, folder: manifests, clock: systemClock, log });
      const { nodes, pods } = lab.plan;
      out.notice(`building a cluster of ${nodes.length} nodes and ${pods.length} pods from network namespaces`);
      try {
        await lab.up(stop);
        const folder = await workingCopy(lab, manifests);
        const atFolder = { ...config, objects: { ...config.objects, source: "folder" as const, folder } };
        const common = { log, folder, out, lab, scenario, stop, ready };
        if (hasApiServer) await playOnServer({ ...common, config: atFolder });
        else await play({ ...common, config: atFolder, beside: [] });
        await out.close();
      } finally {
        await lab.down();
      }
    },
  };
}

interface Play {
  readonly config: Config;
  readonly log: Log;
  readonly folder: string;
  readonly out: Output;
  readonly lab: Lab;
  readonly scenario: Scenario;
  readonly stop: AbortSignal;
  readonly ready: () => void;
  /** What runs from the moment on at which traffic begins. */
  readonly beside: readonly ((until: AbortSignal) => Promise<void>)[];
}

/** The same with the objects in a real API server, and people who change policies there. */
async function playOnServer({ config, folder, ...rest }: Omit<Play, "beside">): Promise<void> {
  const { lab, log, out, stop } = rest;
  const say = out.notice;
  const cluster = await ApiCluster.start({ scratch: lab.scratch, clock: systemClock, log, say });
  const api = (user: string) => cluster.api(user);
  const act = (signal: AbortSignal) => perform({ deeds, api, clock: systemClock, say, signal });
  const objects = { ...config.objects, source: "api" as const, kubeconfig: cluster.kubeconfig() };
  const onServer = { ...config, objects, audit: { ...config.audit, logFile: cluster.auditLog } };
  const settled = Promise.withResolvers<void>();
  const follow = (until: AbortSignal) => cluster.follow(folder, until, settled.resolve);
  const playing = async (until: AbortSignal) => {
    await Promise.race([settled.promise, aborted(until)]);
    await cluster.ruleChanges(until);
    if (!until.aborted) await play({ ...rest, folder, stop: until, config: onServer, beside: [act] });
  };
  try {
    await together(stop, [follow, playing]);
  } finally {
    await cluster.stop();
  }
}

async function play({ config, log, folder, out, lab, scenario, stop, ready, beside }: Play): Promise<void> {
  const clock = systemClock;
  const metrics = new Metrics();
  const rim = { clock, log, metrics };
  const objects = openObjects({
    ...{ ...rim, config, beside: controlResources },
    ...{ onFault: out.fault, onMended: out.mended },
  });
  const engine = new Engine({
    seats: lab.nodes.map(({ name, namespacePath }) => ({ node: name, namespacePath })),
    objects,
    config,
    clock,
    log,
    flows: out.flows,
    losses: out.losses,
    changes: out.changes,
    controlLog: openControlLog({ ...rim, config, objects }),
    openStore: engineArchive({ config, clock, log }),
    metrics,
    onPolicy: (notice) => out.notice(policyText(notice)),
    onNotice: out.notice,
    onAlert: (text) => out.notice(`! ${text}`),
    onTamper: out.tampered,
    leaveRules: false,
  });
  const traffic = async (until: AbortSignal) => {
    await Promise.all([engine.ready(until), lab.startAgents()]);
    if (until.aborted) return;
    out.notice("the rules are in force; traffic begins");
    out.begin();
    ready();
    const onStep = (step: ScenarioStep) => out.notice(stepText(step));
    const playScenario = async (signal: AbortSignal) => {
      await runScenario({ lab, scenario, folder, clock, log, signal, onStep });
    };
    await together(until, [playScenario, ...beside]);
  };
  const observed = { metrics, engine, address: config.metrics.listen };
  await together(stop, [(until) => engine.run(until), (until) => serveMetrics(observed, until), traffic]);
}

function stepText(step: ScenarioStep): string {
  if ("patchLabels" in step) {
    const { kind, namespace, name, labels } = step.patchLabels;
    const changes = Object.entries(labels).map(([key, value]) =>
      value === null ? `without ${key}` : `${key}=${value}`,
    );
    return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name} is now labelled ${changes.join(", ")}`;
  }
  const { remove, create } = step.replacePod;
  return `pod ${remove} is gone; ${create.metadata.namespace}/${create.metadata.name} has its address now`;
}
