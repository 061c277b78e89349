import type { Flow } from "../../core/records/flow.ts";
import { aggregate, type Levels, levelOf } from "./aggregation.ts";
import { aggregatedFlows, type DataSet, type DataSetName, dataSets, type RecordOfSet } from "./documents/data-sets.ts";
import { JsonBytes } from "./documents/json-bytes.ts";
import { type Bucket, indexNames } from "./index-name.ts";

/** A document, as its two lines for the bulk API, and the records that it stands for. */
export interface Document<R> {
  readonly lines: Buffer;
  readonly of: readonly R[];
}

/** The documents of records that came together. */
export type DocumentsOf<R> = (records: readonly R[]) => readonly Document<R>[];

export interface Placing {
  readonly namespace: string;
  readonly bucket: Bucket;
}

/** One document a record. */
export function documentsOf<N extends DataSetName>(set: N, placing: Placing): DocumentsOf<RecordOfSet[N]> {
  const lines = linesOf<RecordOfSet[N]>(dataSets[set], set, placing);
  return (records) => records.map((record) => ({ lines: lines(record), of: [record] }));
}

/** Of flows, those are merged whose level is above 0; the others stay whole. `windowMs` is that of the collectors. */
export function flowDocumentsOf(placing: Placing, levels: Levels, windowMs: number): DocumentsOf<Flow> {
  const whole = documentsOf("flow", placing);
  if (levels.allowed === 0 && levels.denied === 0) return whole;
  const merged = linesOf(aggregatedFlows, "flow", placing);
  return (flows) => {
    const [kept, rest] = [
      flows.filter((flow) => levelOf(flow, levels) === 0),
      flows.filter((flow) => levelOf(flow, levels) !== 0),
    ];
    const groups = aggregate(rest, levels, windowMs);
    return [...whole(kept), ...groups.map((group) => ({ lines: merged(group), of: group.members }))];
  };
}

/** `_id` is the record's own, so what comes again is known; its time decides the index, so it is looked for where it was. */
function linesOf<R>(set: DataSet<R>, name: DataSetName, { namespace, bucket }: Placing): (record: R) => Buffer {
  const [write, indexOf, out] = [set.writer(), indexNames(name, namespace, bucket), new JsonBytes()];
  return (record) => {
    out.put(`{"create":{"_index":"${indexOf(set.timeOf(record))}","_id":`);
    out.put(set.idText(record));
    out.put("}}\n");
    write(record, out);
    return out.take();
  };
}
