import { Command } from "commander";
import { tierMatrix } from "../../controls/rbac/matrix.ts";
import { type Api, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { defaultTier, readTier } from "../../policy/kinds/tier.ts";
import { tiersInOrder } from "../../policy/tiers.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { readFolder } from "../folder.ts";
import { printerFor } from "../formats/printer.ts";
import { matrixShape } from "../formats/rbac-shapes.ts";
import { addKubeOptions, type KubeOptions, openApi } from "../kube-option.ts";
import { addOutputOptions, type OutputOptions, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Rows are of users, groups and service accounts that roles are bound to. LACKS is what it takes besides, and a group may give: a user who is in two groups
may more than each of them. Kind "tiers" is the tier itself. Members of system:masters may everything, and stand in no binding.

Examples:
  sluice rbac matrix
  sluice rbac matrix --objects manifests/ -o csv
${exitCodeHelp}`;

interface Options extends OutputOptions, KubeOptions {
  readonly objects?: string;
}

export function rbacMatrixCommand(rim: Rim = realRim): Command {
  const command = new Command("matrix")
    .description("who may change which tier, as roles and bindings say")
    .option("--objects <folder>", "folder of YAML with roles, bindings and tiers, instead of a cluster's")
    .addHelpText("after", examples);
  return addOutputOptions(addKubeOptions(command)).action(async (options: Options) => {
    const { objects: folder } = options;
    const objects =
      folder === undefined ? await listed(openApi(options)) : await readFolder(folder, (line) => rim.note(line));
    const printer = printerFor(options.output, matrixShape, recordOutput(options, rim));
    await printer.print(tierMatrix(objects, tierNames(objects)));
    await printer.end();
  });
}

/** Those that somebody made, and default, in order of evaluation. */
function tierNames(objects: readonly KubeObject[]): readonly string[] {
  const tiers = objects.flatMap((object) => {
    const read = object.kind === "Tier" ? readTier(object) : undefined;
    return read !== undefined && "value" in read ? [read.value] : [];
  });
  const made = new Set([defaultTier, ...tiers].map(({ name }) => name));
  return tiersInOrder(tiers, []).flatMap(({ tier }) => (made.has(tier.name) ? [tier.name] : []));
}

const rbac = "rbac.authorization.k8s.io/v1";
const resources = [
  { apiVersion: rbac, kind: "ClusterRole", plural: "clusterroles" },
  { apiVersion: rbac, kind: "ClusterRoleBinding", plural: "clusterrolebindings" },
  { apiVersion: rbac, kind: "Role", plural: "roles" },
  { apiVersion: rbac, kind: "RoleBinding", plural: "rolebindings" },
  { apiVersion: "projectcalico.org/v3", kind: "Tier", plural: "tiers" },
] as const;

async function listed(api: Api): Promise<readonly KubeObject[]> {
  const lists = await Promise.all(
    resources.map(async ({ apiVersion, kind, plural }) => {
      // Items of a list do not say what they are.
      const items = await itemsOf(api, `/apis/${apiVersion}/${plural}`);
      return items.map((item) => ({ ...item, apiVersion, kind }));
    }),
  );
  return lists.flat();
}

async function itemsOf(api: Api, path: string): Promise<readonly KubeObject[]> {
  try {
    return ((await api.get(path)) as { readonly items: readonly KubeObject[] }).items;
  } catch (thrown) {
    // Without the CRD there are the built-in tiers.
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}
