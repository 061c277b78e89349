import { type DataSetName, dataSetNames, fieldsOf } from "../sinks/elasticsearch/documents/data-sets.ts";
import { aliasOf } from "../sinks/elasticsearch/index-name.ts";

const head = `
Indices are named \`sluice-DATASET-NAMESPACE-YYYY.MM.DD\` by the records' own time (\`elasticsearch.bucket\`: hour, day or month;
\`elasticsearch.namespace\`); \`sluice-flow\` and its like are aliases of all of a data set. Field names are those of the Elastic Common Schema
where it has one; what it has not stands under \`sluice.\`. Times are \`date_nanos\`, exact to the microsecond. A field that is not there means
null, 0, false or an empty list. \`_id\` is the record's id, so that nothing is there twice.

**Cardinality** says how many values a field comes to have. *few*: some dozens, fit for colours and filters. *cluster*: grows with pods,
policies and Services; in tables ask for the top ones. *unbounded*: grows with traffic; search for values, sum and count them, and never
make buckets of them (\`terms\` on \`source.port\` or \`event.id\` costs memory and says nothing).

Labels are one \`flattened\` field for each end, whatever their keys, so that no cluster makes the mapping grow: \`sluice.source.labels.app: web\`.
Texts beyond 1,024 letters are kept and not searched. To have fields or settings of your own, make a component template \`sluice@custom\` (all
data sets) or \`sluice-flow@custom\` (one): ours put it last, and never overwrite it.`;

/** docs/reference/elasticsearch.md */
export function elasticsearchDocument(): string {
  return [
    "<!-- Generated from sinks/elasticsearch/documents by scripts/generate-docs.ts; do not edit. -->",
    "# Documents in Elasticsearch",
    head,
    ...dataSetNames.flatMap(tableOf),
    "",
  ].join("\n");
}

function tableOf(set: DataSetName): readonly string[] {
  return [
    "",
    `## ${aliasOf(set)}`,
    "",
    "| field | type | cardinality | meaning |",
    "|---|---|---|---|",
    ...fieldsOf(set).map(
      ({ name, type, cardinality, description }) =>
        `| \`${name}\` | ${type === "json" ? "object, not searched" : type} | ${cardinality} | ${description.replaceAll("|", "\\|")} |`,
    ),
  ];
}
