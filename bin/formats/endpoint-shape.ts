import type { EndpointTenure } from "../../core/records/endpoint.ts";
import { objectWriter } from "../../sinks/live/jsonl.ts";
import { microTime, secondText } from "../micro-time.ts";
import type { Shape } from "./format.ts";

export const endpointShape: Shape<EndpointTenure> = {
  objectOf: objectWriter("endpoint"),
  nameOf: ownerOf,
  columns: [
    { header: "address", cell: ({ address }) => address },
    { header: "owner", cell: ownerOf },
    { header: "node", cell: ({ node }) => node },
    { header: "from", cell: ({ start }) => microTime(start), text: ({ start }) => secondText(start) },
    {
      header: "to",
      cell: ({ end }) => (end === null ? null : microTime(end)),
      text: ({ end }) => (end === null ? "now" : secondText(end)),
    },
    {
      header: "workload",
      cell: ({ workloadKind, workload }) => (workload === null ? null : `${workloadKind}/${workload}`),
      only: "wide",
    },
    { header: "labels", cell: labelsText, only: "wide" },
    { header: "uid", cell: ({ uid }) => uid, only: "csv" },
    { header: "cluster", cell: ({ cluster }) => cluster, only: "csv" },
  ],
};

/** `prod-shop/api-0`, `node/node-1`. */
function ownerOf({ kind, namespace, name }: EndpointTenure): string {
  return kind === "node" ? `node/${name}` : `${namespace}/${name}`;
}

function labelsText({ labels }: EndpointTenure): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}
