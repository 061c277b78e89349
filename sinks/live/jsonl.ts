import type { Sink } from "../../core/pipeline.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { Output } from "./output.ts";

// Keys in the order of flow.avsc and loss.avsc; the compiler and a test hold the lists complete.
const flowKeys = {
  cluster: 0,
  node: 0,
  epoch: 0,
  seq: 0,
  start: 0,
  end: 0,
  startedAt: 0,
  state: 0,
  connection: 0,
  zone: 0,
  protocol: 0,
  sourceAddress: 0,
  sourcePort: 0,
  destinationAddress: 0,
  destinationPort: 0,
  icmp: 0,
  nat: 0,
  packets: 0,
  bytes: 0,
  replyPackets: 0,
  replyBytes: 0,
  totalPackets: 0,
  totalBytes: 0,
  totalReplyPackets: 0,
  totalReplyBytes: 0,
  replied: 0,
  denied: 0,
  reason: 0,
  egressRule: 0,
  ingressRule: 0,
  inInterface: 0,
  outInterface: 0,
  reporter: 0,
  authoritative: 0,
  action: 0,
  mode: 0,
  verdictSource: 0,
  programRevision: 0,
  enforced: 0,
  pending: 0,
  source: 0,
  destination: 0,
  service: 0,
} as const satisfies Record<keyof Flow, 0>;

const lossKeys = {
  cluster: 0,
  node: 0,
  epoch: 0,
  seq: 0,
  source: 0,
  count: 0,
  start: 0,
  end: 0,
  detail: 0,
} as const satisfies Record<keyof Loss, 0>;

/** Keys of records below, in the order of flow.avsc; those of labels are sorted. */
const innerKeys = [
  ["type", "code", "id"],
  ["destinationAddress", "destinationPort", "sourceAddress", "sourcePort"],
  ["kind", "namespace", "name", "uid", "workloadKind", "workload", "node", "labels"],
  ["namespace", "name", "port"],
];

/** One JSON object a line: every window of every connection (`"type":"flow"`), and what was lost (`"type":"loss"`). */
export class JsonLines implements Sink<Flow> {
  readonly name = "jsonl";
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  readonly losses: Sink<Loss> = {
    name: "jsonl-losses",
    write: (batch) => this.#output.write(batch.map((loss) => lineOf("loss", lossKeys, loss)).join("")),
  };

  write(batch: readonly Flow[]): Promise<void> {
    return this.#output.write(batch.map((flow) => lineOf("flow", flowKeys, flow)).join(""));
  }
}

function lineOf<T extends object>(type: string, keys: Readonly<Record<keyof T, 0>>, record: T): string {
  const fields = (Object.keys(keys) as (keyof T)[]).map((key) => [key, ordered(record[key])]);
  return `${JSON.stringify({ type, ...Object.fromEntries(fields) })}\n`;
}

/** The same value with its keys in a fixed order, so that equal records give equal lines. */
function ordered(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const known = innerKeys.find((keys) => keys.every((key) => key in value)) ?? Object.keys(value).sort();
  return Object.fromEntries(known.map((key) => [key, ordered((value as Record<string, unknown>)[key])]));
}
