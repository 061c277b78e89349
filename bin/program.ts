import { Command } from "commander";
import { authorizeReadsCommand } from "./commands/authorize-reads.ts";
import { busCommand } from "./commands/bus.ts";
import { changesCommand } from "./commands/changes.ts";
import { collectCommand } from "./commands/collect.ts";
import { completenessCommand } from "./commands/completeness.ts";
import { configCommand } from "./commands/config.ts";
import { deadCommand } from "./commands/dead.ts";
import { demoCommand } from "./commands/demo.ts";
import { dnsCommand } from "./commands/dns.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { elasticsearchCommand } from "./commands/elasticsearch.ts";
import { endpointsCommand } from "./commands/endpoints.ts";
import { enforceCommand } from "./commands/enforce.ts";
import { enrichCommand } from "./commands/enrich.ts";
import { flowsCommand } from "./commands/flows.ts";
import { installCommand } from "./commands/install.ts";
import { labCommand } from "./commands/lab.ts";
import { labelsCommand } from "./commands/labels.ts";
import { nodeCommand } from "./commands/node.ts";
import { pairsCommand } from "./commands/pairs.ts";
import { policyCommand } from "./commands/policy.ts";
import { rbacCommand } from "./commands/rbac.ts";
import { sinkCommand } from "./commands/sink.ts";
import { statusCommand } from "./commands/status.ts";
import { topCommand } from "./commands/top.ts";
import { traceCommand } from "./commands/trace.ts";
import { uninstallCommand } from "./commands/uninstall.ts";
import { upCommand } from "./commands/up.ts";
import { upgradeCommand } from "./commands/upgrade.ts";
import { versionCommand } from "./commands/version.ts";
import { watchCommand } from "./commands/watch.ts";
import { workCommand } from "./commands/work.ts";
import { exitCodeHelp } from "./exit-codes.ts";
import { sluiceVersion } from "./version.ts";

const about = `Network-security controls for Kubernetes, and the evidence that they work.

Sluice enforces label-based policies in tiers with nftables, reads every connection from conntrack and every denial from
the netfilter log, and tells who talked to whom and which policy decided.`;

const examples = `
Examples:
  sluice demo --duration 30s                 a cluster on this machine, real traffic, live
  sluice up --objects.folder DIR --node.name NAME --enforcer.mode observe
  sluice flows --since 5m --verdict deny     what was denied, and by which policy
  sluice trace --objects lab/demo --from prod-web/web --to prod-shop/cart --port 8080
  sluice flows --help                        options and examples of one command
${exitCodeHelp}`;

const commands = [
  demoCommand,
  upCommand,
  installCommand,
  upgradeCommand,
  uninstallCommand,
  statusCommand,
  collectCommand,
  enrichCommand,
  watchCommand,
  sinkCommand,
  workCommand,
  authorizeReadsCommand,
  deadCommand,
  elasticsearchCommand,
  busCommand,
  flowsCommand,
  dnsCommand,
  pairsCommand,
  topCommand,
  endpointsCommand,
  completenessCommand,
  changesCommand,
  traceCommand,
  policyCommand,
  labelsCommand,
  rbacCommand,
  enforceCommand,
  nodeCommand,
  configCommand,
  doctorCommand,
  labCommand,
  versionCommand,
];

/** The command line with all its commands. */
export function sluiceProgram(): Command {
  const program = new Command("sluice")
    .description(about)
    .version(`sluice ${sluiceVersion()}`, "-V, --version", "print the version")
    .addHelpText("after", examples)
    .showSuggestionAfterError()
    .exitOverride();
  for (const command of commands) program.addCommand(inheriting(command(), program));
  return program;
}

/** Also commands of commands end by throwing. */
function inheriting(command: Command, parent: Command): Command {
  for (const child of command.commands) inheriting(child, parent);
  return command.copyInheritedSettings(parent);
}
