import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { policyDiffCommand } from "./policy-diff.ts";
import { policyEffectCommand } from "./policy-effect.ts";
import { policyExplainCommand } from "./policy-explain.ts";
import { policyGetCommand } from "./policy-get.ts";
import { policyHitsCommand } from "./policy-hits.ts";
import { policyImpactCommand } from "./policy-impact.ts";
import { policyImportCheckCommand } from "./policy-import-check.ts";
import { policyTestCommand } from "./policy-test.ts";
import { policyTiersCommand } from "./policy-tiers.ts";
import { policyValidateCommand } from "./policy-validate.ts";

const examples = `
All but impact and hits work offline on a folder of Kubernetes YAML with policies, and with the Pods, Namespaces, Nodes and Services that they are
about ("kubectl get pods,namespaces,nodes,services -A -o yaml").

Examples:
  sluice policy validate policies/
  sluice policy tiers --objects lab/demo
  sluice policy explain --objects lab/demo security.payments
  sluice policy effect lab/demo --without security.payments
  sluice policy test lab/demo-policies.test.yaml --junit report.xml
  sluice policy effect policies-main/ policies-branch/ --objects cluster.yaml
  sluice policy impact policies-new/ --since 1d
  kubectl get tiers.projectcalico.org,globalnetworkpolicies.projectcalico.org,networkpolicies,pods,namespaces,nodes -A -o yaml \\
    | sluice policy tiers --objects -
${exitCodeHelp}`;

const commands = [
  policyValidateCommand,
  policyGetCommand,
  policyTiersCommand,
  policyExplainCommand,
  policyTestCommand,
  policyDiffCommand,
  policyEffectCommand,
  policyHitsCommand,
  policyImpactCommand,
  policyImportCheckCommand,
];

export function policyCommand(rim: Rim = realRim): Command {
  const group = new Command("policy")
    .description("check, explain, test and compare policies")
    .addHelpText("after", examples);
  for (const command of commands) group.addCommand(command(rim));
  return group;
}
