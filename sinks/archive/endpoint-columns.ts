import type { FlowEndpoint } from "../../core/records/flow.ts";
import type { Parts } from "./table.ts";

/** Columns of an endpoint, under names that begin with what it is in the record. */
export function endpointParts(end: string): Parts<FlowEndpoint> {
  return {
    [`${end}_kind`]: ["VARCHAR", (part) => part.kind],
    [`${end}_namespace`]: ["VARCHAR", (part) => part.namespace],
    [`${end}_name`]: ["VARCHAR", (part) => part.name],
    [`${end}_uid`]: ["VARCHAR", (part) => part.uid],
    [`${end}_workload_kind`]: ["VARCHAR", (part) => part.workloadKind],
    [`${end}_workload`]: ["VARCHAR", (part) => part.workload],
    [`${end}_node`]: ["VARCHAR", (part) => part.node],
    [`${end}_labels`]: ["VARCHAR", (part) => JSON.stringify(part.labels)],
  };
}
