import type { EndpointTenure } from "../core/records/endpoint.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import type { TenureState } from "./owners.ts";
import { identityOf } from "./remembered.ts";

/**
 * Turns what becomes of tenures into records, each of one stretch in which a holder had an address and its labels stayed as they
 * were: told when it begins, and again with its end when the labels change (then the next begins) or the address is given up.
 *
 * `start` is 0 where nobody knows: the holder was there when watching first began, and its object does not say since when.
 * `end` is the last moment at which the holder surely had the address and `toldAt` the moment at which it surely had not: they
 * lie apart where nobody watched in between, or where only the end of the containers is known. Labels that changed while nobody
 * watched are told as changed when we learned of it.
 */
export class History {
  readonly #cluster: string;
  /** The stretches without an end, as told last. */
  readonly #open = new Map<string, EndpointTenure>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  /** What was told by an earlier process need not be told again. */
  remember(records: readonly EndpointTenure[]): void {
    for (const record of records.toSorted((a, b) => a.start - b.start || a.toldAt - b.toldAt)) {
      const key = `${record.address} ${identityOf(record)}`;
      if (record.end === null) this.#open.set(key, record);
      else if (this.#open.get(key)?.start === record.start) this.#open.delete(key);
    }
  }

  /** The records that follow. `now` in microseconds. */
  tell(states: readonly TenureState[], now: number): readonly EndpointTenure[] {
    return states.flatMap((state) => this.#tell(state, now));
  }

  /** Stretches without an end that were told before the moment `old`, told anew; see `retellHours`. */
  retell(old: number, now: number): readonly EndpointTenure[] {
    const due = [...this.#open].filter(([, { toldAt }]) => toldAt < old);
    for (const [key, record] of due) this.#open.set(key, { ...record, toldAt: now });
    return due.flatMap(([key]) => this.#open.get(key) ?? []);
  }

  #tell(state: TenureState, now: number): readonly EndpointTenure[] {
    const key = `${state.address} ${identityOf(namesOf(state.endpoint))}`;
    const told = this.#open.get(key);
    if (state.until !== Number.POSITIVE_INFINITY) {
      this.#open.delete(key);
      const ending = told ?? this.#record(state, state.from, now);
      return [{ ...ending, end: Math.max(ending.start, state.until), toldAt: now }];
    }
    if (told !== undefined && isSame(told, state.endpoint)) return [];
    // What became otherwise begins a new stretch; what became known better (a workload) replaces what was told.
    const isNext = told !== undefined && state.describedFrom > told.start;
    const current = this.#record(state, isNext ? state.describedFrom : (told?.start ?? state.from), now);
    this.#open.set(key, current);
    return isNext ? [{ ...told, end: current.start, toldAt: now }, current] : [current];
  }

  #record({ address, endpoint }: TenureState, since: number, now: number): EndpointTenure {
    const { node, workloadKind, workload, labels } = endpoint;
    const start = Math.max(0, since);
    const description = { node, workloadKind, workload, labels };
    return { cluster: this.#cluster, address, ...namesOf(endpoint), ...description, start, end: null, toldAt: now };
  }
}

function namesOf({
  kind,
  namespace,
  name,
  uid,
}: FlowEndpoint): Pick<EndpointTenure, "kind" | "namespace" | "name" | "uid"> {
  return { kind: kind === "node" ? "node" : "pod", namespace, name: name ?? "", uid };
}

function isSame(told: EndpointTenure, { node, workloadKind, workload, labels }: FlowEndpoint): boolean {
  const same = told.node === node && told.workloadKind === workloadKind && told.workload === workload;
  const keys = Object.keys(labels);
  return (
    same &&
    keys.length === Object.keys(told.labels).length &&
    keys.every((label) => told.labels[label] === labels[label])
  );
}
