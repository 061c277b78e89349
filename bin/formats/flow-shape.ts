import { type FieldName, fields } from "../../core/filter/fields.ts";
import { valuesOf } from "../../core/filter/values.ts";
import type { Flow, FlowEndpoint } from "../../core/records/flow.ts";
import { objectWriter } from "../../sinks/live/jsonl.ts";
import { microTime } from "../micro-time.ts";
import type { Cell, Column, Shape } from "./format.ts";

/** Fields of either end repeat others. */
const eitherEnd: ReadonlySet<string> = new Set(["ip", "port", "ns", "pod", "workload", "labels"]);

const columnNames = (Object.keys(fields) as FieldName[]).filter((name) => !eitherEnd.has(name));

/** A column a field, by the names that filters use. The table of flows is that of the live view: flow-table.ts. */
export const flowShape: Shape<Flow> = {
  objectOf: objectWriter("flow"),
  nameOf: ({ node, epoch, seq }) => `${node}/${epoch}/${seq}`,
  columns: columnNames.map((name): Column<Flow> => ({ header: name, cell: (flow) => cellOf(flow, name) })),
};

function cellOf(flow: Flow, name: FieldName): Cell {
  if (name === "src.labels") return labelsText(flow.source);
  if (name === "dst.labels") return labelsText(flow.destination);
  if (name === "time") return microTime(flow.start);
  // A protocol by name and number, a Service with and without its namespace, a policy in three ways: the fullest is enough.
  const values = valuesOf(flow, name);
  if (name === "protocol") return values[0] ?? null;
  if (name === "service") return values.at(-1) ?? null;
  if (name === "policy") return flow.enforced.join(" ");
  return values.length <= 1 ? (values[0] ?? null) : values.join(" ");
}

function labelsText(endpoint: FlowEndpoint | null): string {
  const labels = Object.entries(endpoint?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return labels.sort().join(",");
}
