import type { ChangeRecord } from "../../../core/records/change.ts";
import type { DnsRecord } from "../../../core/records/dns.ts";
import type { Flow } from "../../../core/records/flow.ts";
import type { Heartbeat } from "../../../core/records/heartbeat.ts";
import type { Loss } from "../../../core/records/loss.ts";
import type { AggregatedFlow } from "../aggregation.ts";
import { aggregatedFields } from "./aggregated-fields.ts";
import { changeFields } from "./change-fields.ts";
import { idText } from "./common-fields.ts";
import { dnsFields } from "./dns-fields.ts";
import type { DocumentField } from "./field.ts";
import { flowFields } from "./flow-fields.ts";
import { heartbeatFields } from "./heartbeat-fields.ts";
import { lossFields } from "./loss-fields.ts";
import { type Mapping, mappingOf } from "./mapping.ts";
import { documentReader } from "./reader.ts";
import { documentWriter, type WriteDocument } from "./writer.ts";

/** What the data sets hold. */
export interface RecordOfSet {
  readonly flow: Flow;
  readonly dns: DnsRecord;
  readonly change: ChangeRecord;
  readonly loss: Loss;
  readonly heartbeat: Heartbeat;
}

export type DataSetName = keyof RecordOfSet;

/** How the records of a data set stand in Elasticsearch. */
export interface DataSet<R> {
  readonly fields: readonly DocumentField<R>[];
  /** The id as JSON text. */
  readonly idText: (record: R) => string;
  /** Which index it belongs to; microseconds. */
  readonly timeOf: (record: R) => number;
  /** A new one for each user: it remembers what it wrote. */
  readonly writer: () => WriteDocument<R>;
  /** The record of `_source`. */
  readonly read: (source: Readonly<Record<string, unknown>>) => R;
}

/** Parts of records that many have in common, as one object. */
const shared: ReadonlySet<string> = new Set(["source", "destination", "client", "server", "service"]);

function dataSet<R>(
  fields: readonly DocumentField<R>[],
  { idText, timeOf }: Pick<DataSet<R>, "idText" | "timeOf">,
): DataSet<R> {
  return { fields, idText, timeOf, writer: () => documentWriter(fields, shared), read: documentReader(fields) };
}

const byStart = { idText, timeOf: ({ start }: { readonly start: number }) => start };

export const dataSets: { readonly [N in DataSetName]: DataSet<RecordOfSet[N]> } = {
  flow: dataSet(flowFields, byStart),
  dns: dataSet(dnsFields, byStart),
  change: dataSet(changeFields, { idText: ({ id }) => JSON.stringify(id), timeOf: ({ start }) => start }),
  loss: dataSet(lossFields, byStart),
  heartbeat: dataSet(heartbeatFields, byStart),
};

export const dataSetNames = Object.keys(dataSets) as readonly DataSetName[];

/** The documents of flows that were merged; they stand in the data set of flows. */
export const aggregatedFlows: DataSet<AggregatedFlow> = dataSet(aggregatedFields, byStart);

export type DescribedField = Pick<DocumentField<never>, "name" | "type" | "cardinality" | "description">;

/** Every field that documents of a data set may have, by name. */
export function fieldsOf(name: DataSetName): readonly DescribedField[] {
  const all: readonly DescribedField[] = [...dataSets[name].fields, ...(name === "flow" ? aggregatedFields : [])];
  const byName = new Map(all.toReversed().map((field) => [field.name, field]));
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function mappingOfSet(name: DataSetName): Mapping {
  return mappingOf(fieldsOf(name));
}
