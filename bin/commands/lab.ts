import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import { stderrLog } from "../../core/log.ts";
import type { Part } from "../../core/service.ts";
import { Lab } from "../../lab/lab.ts";
import { readLab } from "../../lab/lab-folder.ts";
import { runScenario } from "../../lab/run-scenario.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { durationOption } from "../options.ts";
import { serve } from "../serve.ts";

const examples = `
Builds a cluster from the Nodes, Namespaces, Pods and Services in a folder: a network namespace for each node and pod, IPv4
and IPv6, Service addresses, and a program in each pod that serves its ports. A Scenario in the folder says who calls whom.
The cluster lives as long as the command; Ctrl-C removes it. It touches nothing outside its own namespaces.

Examples:
  sluice lab up lab/demo
  sluice lab down                            remove what a killed run left
  ip netns exec sluice-demo-node-node-1 nft list ruleset
${exitCodeHelp}`;

export function labCommand(): Command {
  const lab = new Command("lab")
    .description("a cluster on this machine, from network namespaces")
    .addHelpText("after", examples);
  lab
    .command("up")
    .description("build the cluster and play its scenario until Ctrl-C")
    .argument("<folder>", "folder of Kubernetes YAML")
    .option("--name <name>", "name of the lab: lower-case letters and digits", "demo")
    .addOption(durationOption())
    .action((folder: string, options: { name: string; duration?: number }) =>
      serve([upPart(folder, options.name)], { duration: options.duration, level: "info" }),
    );
  lab
    .command("down")
    .description("remove what is left of a lab whose process is gone")
    .option("--name <name>", "name of the lab", "demo")
    .action(({ name }: { name: string }) => Lab.clear(name));
  return lab;
}

function upPart(folder: string, name: string): Part {
  return {
    name: "lab",
    async run({ stop, ready }) {
      const log = stderrLog("info");
      const { lab, scenario } = await readLab({ name, folder, clock: systemClock, log });
      try {
        await lab.up(stop);
        process.stdout.write(
          `lab ${name} is up: ${lab.nodes.map(({ name: node, namespacePath }) => `${node} in ${namespacePath}`).join(", ")}\n`,
        );
        ready();
        // Steps edit manifests; those of a folder that is not a working copy stay as they are.
        await runScenario({ lab, scenario: { ...scenario, steps: [] }, folder, clock: systemClock, log, signal: stop });
      } finally {
        await lab.down();
      }
    },
  };
}
