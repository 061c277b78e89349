import { finalizersAfter, finalizersOf, tierFinalizer } from "../../controls/tiers/finalizer.ts";
import { type Api, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { type Values, valuesOf } from "../../deploy/objects/values.ts";
import { taxonomyLabel } from "../../policy/taxonomy/admission.ts";
import { remove } from "./cluster.ts";
import { type Foreign, ownDefinitions } from "./foreign.ts";
import { isLasting } from "./lasting.ts";
import { type Reference, titleOf } from "./place.ts";
import { type InstallationRecord, recordReference } from "./record.ts";

const tiers = "/apis/projectcalico.org/v3/tiers";

export interface UninstallOptions {
  readonly api: Api;
  readonly namespace: string;
  readonly record: InstallationRecord;
  readonly foreign: Foreign;
  /** Also what was kept, policies among it. */
  readonly everything: boolean;
  readonly say: (line: string) => Promise<void>;
}

/** Takes away what an installation applied, the last first. */
export async function uninstall({ api, namespace, record, foreign, everything, say }: UninstallOptions): Promise<void> {
  const take = async (reference: Reference) => {
    if (await remove(api, reference)) await say(`${titleOf(reference)} deleted`);
  };
  for (const reference of record.objects.toReversed()) if (!isLasting(reference)) await take(reference);
  await letTiersGo(api);
  if (everything) {
    await removeGenerated(api);
    // Volumes go with the namespace, tiers with their kind.
    for (const definition of ownDefinitions(foreign)) await take(definition);
  }
  // As long as it is there, what failed can be begun again.
  await take(recordReference(namespace));
  if (everything) await take({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
}

/** What a person should know before saying yes. */
export function warnings(record: InstallationRecord, namespace: string, everything: boolean): readonly string[] {
  const { node, archive, config } = valuesOf(record.version, record.values);
  const hasArchive = record.objects.some(({ kind }) => kind === "PersistentVolumeClaim");
  return [
    ...kernelWarnings(node, config),
    `Nodes keep ${node.dataFolder}, with records that nobody took and the last good rules.`,
    ...(everything
      ? [
          `All policies, tiers and network sets go with their kinds, and the namespace ${namespace} with all that is in it.`,
        ]
      : [
          "Policies, tiers and their kinds stay, and what label taxonomies require is required further.",
          ...(hasArchive
            ? [`The archive stays: persistentvolumeclaim sluice-archive (${archive.size}) in ${namespace}.`]
            : []),
        ]),
  ];
}

function kernelWarnings(node: Values["node"], config: Values["config"]): readonly string[] {
  const { mode } = (config["enforcer"] ?? {}) as { readonly mode?: string };
  if (!node.enforcement || mode !== "enforce")
    return ["Nodes keep tables that count and decide nothing: nft delete table inet sluice_collector; …_dns"];
  return [
    "Rules stay in the kernel of each node, as they are, and nobody follows changes: policies that change have no effect there, and PODS THAT START LATER ARE DENIED.",
    "To open nodes first: sluice upgrade --set config.enforcer.mode=observe --wait 10m; or afterwards on each node: nft delete table inet sluice",
  ];
}

/** Admission policies of label taxonomies, which nobody would keep or remove any more. */
async function removeGenerated(api: Api): Promise<void> {
  for (const plural of ["validatingadmissionpolicybindings", "validatingadmissionpolicies"])
    await api.send("DELETE", `/apis/admissionregistration.k8s.io/v1/${plural}`, {
      query: { labelSelector: taxonomyLabel },
    });
}

/** Who would take the finalizer off when a tier's last policy is gone is gone itself. */
async function letTiersGo(api: Api): Promise<void> {
  for (const tier of await tiersIn(api)) {
    if (!finalizersOf(tier).includes(tierFinalizer)) continue;
    const body = { metadata: { finalizers: finalizersAfter(tier, "let go") } };
    await api.send("PATCH", `${tiers}/${tier.metadata.name}`, { body, type: "application/merge-patch+json" });
  }
}

/** None where there is no such kind. */
async function tiersIn(api: Api): Promise<readonly KubeObject[]> {
  try {
    return ((await api.get(tiers)) as { readonly items: readonly KubeObject[] }).items;
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}
