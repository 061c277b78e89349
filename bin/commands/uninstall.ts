import { Command } from "commander";
import { Output } from "../../sinks/live/output.ts";
import { confirmed } from "../confirmed.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addClusterOptions, apiOf, type ClusterOptions, examine } from "../install/options.ts";
import { readRecord } from "../install/record.ts";
import { uninstall, warnings } from "../install/uninstaller.ts";
import { type Rim, realRim } from "../rim.ts";
import { notInstalled } from "./upgrade.ts";

const examples = `
Takes away what sluice install applied. Policies, their kinds and the archive's volume stay, unless --delete-everything is given. Rules stay in the
kernels of nodes: nothing opens by itself. It says so, and how to open nodes first, before it asks.

Examples:
  sluice upgrade --set config.enforcer.mode=observe --wait 10m && sluice uninstall --yes     opens nodes, then goes
  sluice uninstall --delete-everything
${exitCodeHelp}`;

interface Options extends ClusterOptions {
  readonly deleteEverything: boolean;
  readonly yes: boolean;
}

export function uninstallCommand(rim: Rim = realRim): Command {
  const command = new Command("uninstall")
    .description("take Sluice out of a Kubernetes cluster")
    .option("--delete-everything", "also all policies with their kinds, the archive and the namespace", false)
    .option("--yes", "do not ask", false)
    .addHelpText("after", examples);
  return addClusterOptions(command).action(async (options: Options) => {
    const { namespace, deleteEverything: everything, yes } = options;
    const [api, out] = [apiOf(options), new Output(rim.stdout)];
    const record = await readRecord(api, namespace);
    if (record === undefined) throw notInstalled(namespace);
    for (const line of warnings(record, namespace, everything)) rim.note(line);
    await confirmed(`Uninstall Sluice ${record.version} from ${api.server}?`, yes);
    const foreign = await examine(api);
    const say = (line: string) => out.write(`${line}\n`);
    await uninstall({ api, namespace, record, foreign, everything, say });
  });
}
