import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { mergeValues } from "../../deploy/objects/values.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { givenValues, type ValueOptions } from "../install/given-values.ts";
import { apiOf, type ClusterOptions } from "../install/options.ts";
import { readRecord } from "../install/record.ts";
import { type Rim, realRim } from "../rim.ts";
import { addInstallOptions, install } from "./install.ts";

const examples = `
Brings an installation to this version, and to values that are given over those it has; --reset-values forgets those. Nodes are replaced some at a time
(node.maxUnavailable). On each, the rules stay in force while its pod is replaced, and the next one takes them over: there is no open moment; pods that start
meanwhile wait for it. Connections are followed by the kernel, so the next one counts them on; the time between stands in the records
(sluice completeness).

Examples:
  sluice upgrade
  sluice upgrade --set config.enforcer.mode=enforce --wait 10m
  sluice upgrade --dry-run
${exitCodeHelp}`;

interface Options extends ClusterOptions, ValueOptions {
  readonly dryRun: boolean;
  readonly forceConflicts: boolean;
  readonly resetValues: boolean;
  readonly wait?: number;
}

export function upgradeCommand(rim: Rim = realRim): Command {
  const command = new Command("upgrade")
    .description("bring an installation to this version, or to other values")
    .option("--reset-values", "forget the values that it was given before", false)
    .addHelpText("after", examples);
  return addInstallOptions(command).action(async (options: Options) => {
    const record = await readRecord(apiOf(options), options.namespace);
    if (record === undefined) throw notInstalled(options.namespace);
    const given = givenValues(options);
    await install(options, options.resetValues ? given : (mergeValues(record.values, given) as object), rim);
  });
}

export function notInstalled(namespace: string): SluiceError {
  return new SluiceError(
    "USAGE",
    `sluice install has not worked in namespace ${namespace}: name another with --namespace; what Helm installed is Helm's to change`,
  );
}
