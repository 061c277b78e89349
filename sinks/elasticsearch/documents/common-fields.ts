import { constant, type DocumentField, derived, stored } from "./field.ts";
import { fewTexts, labels as labelsForm, number, word } from "./forms.ts";

/** The version of ECS whose fields we write. */
const ecsVersion = "9.0.0";

interface Numbered {
  readonly cluster: string;
  readonly node: string;
  readonly epoch: number;
  readonly seq: number;
}

let [lastCluster, lastNode, lastEpoch, lastPrefix] = ["", "", Number.NaN, ""];

/**
 * JSON text of a record's id, `cluster/node/epoch/seq`: with the cluster, since those of several may share an Elasticsearch. Records of a
 * node come together: what their ids have in common is written once.
 */
export function idText({ cluster, node, epoch, seq }: Numbered): string {
  if (cluster !== lastCluster || node !== lastNode || epoch !== lastEpoch) {
    lastPrefix = JSON.stringify(`${cluster}/${node}/${epoch}/`).slice(0, -1);
    [lastCluster, lastNode, lastEpoch] = [cluster, node, epoch];
  }
  return `${lastPrefix}${seq}"`;
}

/** What kind of record it is. */
export function kindFields<R>(
  dataSet: string,
  kind: string,
  category: readonly string[] | null,
): readonly DocumentField<R>[] {
  return [
    constant("ecs.version", ecsVersion, "Version of the Elastic Common Schema."),
    constant("event.module", "sluice", "Always `sluice`."),
    constant("event.dataset", `sluice.${dataSet}`, "Which data set."),
    constant("event.kind", kind, "What sort of document, in the words of ECS."),
    ...(category === null ? [] : [constant<R>("event.category", category, "In the words of ECS.")]),
  ];
}

/** Who says it, and which of all records it is. */
export function numberedFields<R extends Numbered>(): readonly DocumentField<R>[] {
  return [
    derived(
      "event.id",
      ["keyword", "unbounded"],
      idText,
      "The record's id, `cluster/node/epoch/seq`; the document's `_id` too.",
    ),
    stored(
      "event.sequence",
      ["long", "unbounded"],
      "seq",
      number,
      "Number of the record within the epoch, without gaps.",
    ),
    stored("sluice.epoch", ["long", "cluster"], "epoch", number, "Start of the collector's run, milliseconds."),
    stored("orchestrator.cluster.name", ["keyword", "few"], "cluster", fewTexts(), "Name of the cluster."),
    stored("observer.name", ["keyword", "cluster"], "node", fewTexts(), "The node whose kernel saw it."),
  ];
}

/** Who an address belongs to; `part` in the record, `name` in the document. */
export function endpointFields<R>(name: string, part: string, who: string): readonly DocumentField<R>[] {
  return [
    stored(
      `${name}.kind`,
      ["keyword", "few"],
      `${part}.kind`,
      word,
      `What ${who} is: pod, node, host, network, unknown.`,
    ),
    stored(`${name}.namespace`, ["keyword", "cluster"], `${part}.namespace`, fewTexts(), `Namespace of ${who}.`),
    stored(
      `${name}.name`,
      ["keyword", "cluster"],
      `${part}.name`,
      fewTexts(),
      `Name of ${who}: pod, node or host endpoint.`,
    ),
    stored(`${name}.uid`, ["keyword", "cluster"], `${part}.uid`, fewTexts(), `Kubernetes uid of ${who}.`),
    stored(
      `${name}.workload.kind`,
      ["keyword", "few"],
      `${part}.workloadKind`,
      fewTexts(),
      "Deployment, StatefulSet, …",
    ),
    stored(`${name}.workload.name`, ["keyword", "cluster"], `${part}.workload`, fewTexts(), `Workload of ${who}.`),
    stored(`${name}.node`, ["keyword", "cluster"], `${part}.node`, fewTexts(), `Node of ${who}.`),
    stored(
      `${name}.labels`,
      ["flattened", "cluster"],
      `${part}.labels`,
      labelsForm,
      `Labels of ${who}: \`${name}.labels.app: web\`.`,
    ),
  ];
}
