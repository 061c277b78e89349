import { type Address, tryParseAddress } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import type { Readable } from "../core/flow-access/seen-flow.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { controllerOf, Workloads } from "../enrichers/workload.ts";
import type { Question } from "./connections.ts";
import type { Trace } from "./trace.ts";

/** Whether somebody may ask: one of the ends must be in a namespace of theirs, by what they call it. Throws ACCESS_DENIED. */
export function checkQuestion({ from, to }: Question, readable: Readable): void {
  if (readable === "all" || namespacesOf({ from, to }).some((namespace) => readable.has(namespace))) return;
  throw new SluiceError("ACCESS_DENIED", "neither end is in a namespace whose flows may be read; name one that is");
}

/** The namespaces that the ends are called by. */
export function namespacesOf({ from, to }: Pick<Question, "from" | "to">): readonly string[] {
  return [from, to].map((end) => namespaceOf(end.replace(/^service:/, ""))).filter((namespace) => namespace !== "");
}

/** What a name means nothing to is not told apart from what may not be seen: it would list the pods of others. */
export function answered<T>(answer: () => T, readable: Readable): T {
  try {
    return answer();
  } catch (thrown) {
    if (readable === "all" || !(thrown instanceof SluiceError)) throw thrown;
    throw new SluiceError("USAGE", "one of the ends is no pod, service or address here, or means several");
  }
}

/** Traces as somebody sees them who may read these namespaces, by the rules of core/flow-access/seen-flow.ts. */
export function seenTraces(
  traces: readonly Trace[],
  objects: readonly KubeObject[],
  question: Question,
  readable: Readable,
): readonly Trace[] {
  if (readable === "all") return traces;
  const workloads = new Workloads();
  workloads.update(objects.map((object) => ({ type: "upsert", object })));
  const pods = new Map(
    objects.filter(({ kind }) => kind === "Pod").map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]),
  );
  const names = new Names(pods, workloads, readable);
  return traces.map((trace) => seenTrace(trace, names.asking(trace, question)));
}

function seenTrace(trace: Trace, names: Names): Trace {
  const [from, to] = [names.of(trace.from), names.of(trace.to)];
  const isWhole = from === trace.from && to === trace.to;
  if (isWhole) return trace;
  return {
    ...{ ...trace, from, to, pending: trace.pending && { ...trace.pending, by: [] } },
    paths: trace.paths.map((path) => seenPath(path, names)),
  };
}

/** Why a rule did not match tells of the other end; so of one's own path there stays what decided, of another's how it ended. */
function seenPath(path: Trace["paths"][number], names: Names): Trace["paths"][number] {
  const endpoint = names.of(path.endpoint);
  if (endpoint !== path.endpoint) return { ...path, endpoint, stages: [hiddenStage(path)] };
  const stages = path.stages.map((stage) => ({
    ...{ ...stage, details: [] },
    policies: stage.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.map((rule) => ({ ...rule, because: [] })),
    })),
  }));
  return { ...path, stages };
}

function hiddenStage({ outcome }: Trace["paths"][number]): Trace["paths"][number]["stages"][number] {
  const stage = outcome === "deny" ? "deny" : outcome === "allow" ? "allow" : "pass";
  return { tier: "", outcome: stage, title: `policies that are not shown: ${stage}`, details: [], policies: [] };
}

/**
 * Ends as they may be called: `shop/web-1`, of another's pod `bank/vault`; addresses outside the cluster as they are, and those inside of it
 * whose owners may not be seen: nobody learns whose they are by asking.
 */
class Names {
  readonly #pods: ReadonlyMap<string, KubeObject>;
  readonly #workloads: Workloads;
  readonly #readable: ReadonlySet<string>;
  /** By label, of ends that were asked for so. */
  readonly #addresses: ReadonlyMap<string, Address>;

  constructor(
    pods: ReadonlyMap<string, KubeObject>,
    workloads: Workloads,
    readable: ReadonlySet<string>,
    addresses: ReadonlyMap<string, Address> = new Map(),
  ) {
    [this.#pods, this.#workloads, this.#readable, this.#addresses] = [pods, workloads, readable, addresses];
  }

  /** For an answer to that question. */
  asking({ from, to }: Pick<Trace, "from" | "to">, asked: Question): Names {
    const ends = [[from, tryParseAddress(asked.from)] as const, [to, tryParseAddress(asked.to)] as const];
    const addresses = ends.flatMap(([label, address]) => (address === undefined ? [] : [[label, address] as const]));
    return new Names(this.#pods, this.#workloads, this.#readable, new Map(addresses));
  }

  of(label: string): string {
    const namespace = namespaceOf(label);
    if (this.#readable.has(namespace)) return label;
    const asked = this.#addresses.get(label);
    if (asked !== undefined) return asked;
    if (namespace !== "") return `${namespace}/${this.#workloadOf(label)}`;
    return label.startsWith("node:") ? "node:*" : label.startsWith("host endpoint ") ? "host endpoint *" : label;
  }

  #workloadOf(label: string): string {
    const pod = this.#pods.get(label);
    if (pod === undefined) return "*";
    const { namespace = "default", name, labels = {} } = pod.metadata;
    const workload = this.#workloads.of({ namespace, name, labels, controller: controllerOf(pod) });
    // What nothing made is its own workload.
    return workload.kind === "Pod" ? "*" : workload.name;
  }
}

/** Of `namespace/name`; "" of what is in none: `node:NAME`, addresses. */
function namespaceOf(label: string): string {
  const [namespace = "", name] = label.split("/");
  return name === undefined || namespace.includes(":") || namespace.includes(" ") ? "" : namespace;
}
