import { Command } from "commander";
import { stringify } from "yaml";
import type { KubeObject } from "../../core/kube/objects.ts";
import { Output } from "../../sinks/live/output.ts";
import { choiceOption } from "../choice.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addValueOptions, givenValues, type ValueOptions } from "../install/given-values.ts";
import { Installer } from "../install/installer.ts";
import { addClusterOptions, apiOf, type ClusterOptions, examine, untilWell } from "../install/options.ts";
import { type Plan, planOf } from "../install/plan.ts";
import { admissionKinds } from "../install/tier-controls.ts";
import { durationParser } from "../options.ts";
import { type Rim, realRim } from "../rim.ts";
import { sluiceVersion } from "../version.ts";

const examples = `
Applies the kinds, then all that works (deploy/objects), on the server's side and as field manager "sluice". Values are those of the chart
(deploy/chart/values.yaml); what is given is kept in the cluster for sluice upgrade. Without config.bus.brokers nodes alone are installed,
each with its own archive. At first nothing is blocked: config.enforcer.mode is observe. Where Calico has the kinds of projectcalico.org, they stay as they
are, and Sluice observes. Installed again, the cluster is as the values say now; what they no longer ask for goes.

Examples:
  sluice install                                                      nodes observe, nothing is blocked
  sluice install --set config.bus.brokers=[kafka-0:9092] --set config.elasticsearch.urls=[https://es-0:9200]
  sluice install --values values.yaml --set config.enforcer.mode=enforce --wait 10m
  sluice install --values values.yaml --dry-run                       the server checks all of it and keeps nothing
  sluice install --values values.yaml -o yaml > sluice.yaml           prints what it would apply; asks no cluster
${exitCodeHelp}`;

interface Options extends ClusterOptions, ValueOptions {
  readonly dryRun: boolean;
  readonly forceConflicts: boolean;
  readonly wait?: number;
  readonly output: "text" | "yaml";
}

export function addInstallOptions(command: Command): Command {
  return addValueOptions(addClusterOptions(command))
    .option("--dry-run", "let the server check everything and keep nothing", false)
    .option("--force-conflicts", "take over fields that somebody else has set", false)
    .option("--wait <time>", "wait so long until everything works, e.g. 10m", durationParser);
}

export function installCommand(rim: Rim = realRim): Command {
  const command = new Command("install")
    .description("install Sluice into a Kubernetes cluster")
    .addOption(
      choiceOption("-o, --output <format>", "yaml: print the manifests and do nothing", ["text", "yaml"]).default(
        "text",
      ),
    )
    .addHelpText("after", examples);
  return addInstallOptions(command).action(async (options: Options) => {
    const given = givenValues(options);
    if (options.output === "text") return install(options, given, rim);
    const [version, { namespace }] = [sluiceVersion(), options];
    const plan = planOf({ version, namespace, given: [given], foreign: { signs: [] }, admission: ofAnyCluster });
    await new Output(rim.stdout).write(yamlOf(plan));
  });
}

/** Brings the cluster to what these values say. */
export async function install(options: Omit<Options, "output">, given: object, rim: Rim): Promise<void> {
  const { namespace, dryRun: dry, forceConflicts: force, wait } = options;
  const { clock } = rim;
  const [api, version, out] = [apiOf(options), sluiceVersion(), new Output(rim.stdout)];
  const foreign = await examine(api);
  const plan = planOf({ version, namespace, given: [given], foreign, admission: await admissionKinds(api) });
  for (const sign of foreign.signs) rim.note(`Calico is here: ${sign}. Its kinds stay as they are.`);
  const say = (line: string) => out.write(`${line}\n`);
  await new Installer({ ...{ api, clock, namespace, version, dry, force }, say }).install(plan, given);
  if (dry) return;
  if (wait !== undefined) await untilWell(api, { namespace, foreign, ms: wait, clock });
  for (const line of nextSteps(plan, namespace)) rim.note(line);
}

const ofAnyCluster = new Set(["MutatingAdmissionPolicy"]);

function nextSteps({ config, values }: Plan, namespace: string): readonly string[] {
  const enforces = values.node.enforcement && config.enforcer.mode === "enforce";
  return [
    enforces
      ? "nodes enforce the policies that there are"
      : "nothing is blocked: nodes tell what policies would decide. To enforce: sluice upgrade --set config.enforcer.mode=enforce",
    `sluice status --namespace ${namespace} tells whether all of it works`,
  ];
}

function yamlOf({ namespace, definitions, objects }: Plan): string {
  const texts = [namespace, ...definitions, ...objects].map((object: KubeObject) =>
    stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 }),
  );
  return texts.map((text) => `---\n${text}`).join("");
}
