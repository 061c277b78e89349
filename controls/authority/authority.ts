import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { readChangePolicy } from "../../policy/kinds/change-policy.ts";
import type { Evidence } from "../evidence/sighting.ts";
import type { Delta } from "../watched/delta.ts";
import { type ChangePolicies, judge } from "./judge.ts";
import type { JudgedChange } from "./judged.ts";
import type { Past } from "./past.ts";

/**
 * Judges changes by the ChangePolicies that were there just before: whoever weakens one is judged by what it was, and nobody is helped by
 * weakening one before it is known who did what.
 */
export class Authority {
  readonly #past: Past;
  /** By name. Replaced as a whole, never changed. */
  #policies: ReadonlyMap<string, KubeObject> = new Map();
  /** By the record of a change that is not judged yet. */
  readonly #asOf = new Map<string, ChangePolicies>();

  constructor(past: Past) {
    this.#past = past;
  }

  /** All that exists, when watching begins. */
  begin(all: readonly Change[]): void {
    const objects = all.flatMap((change) =>
      change.type === "upsert" && isChangePolicy(change.object) ? [change.object] : [],
    );
    this.#policies = new Map(objects.map((object) => [object.metadata.name, object]));
  }

  /** A change was seen; each of them, in their order. */
  see({ id, control }: ChangeRecord, object: KubeObject): void {
    this.#asOf.set(id, policiesOf(this.#policies));
    if (!isChangePolicy(object)) return;
    const rest = [...this.#policies].filter(([name]) => name !== object.metadata.name);
    this.#policies = new Map(control?.verb === "delete" ? rest : [...rest, [object.metadata.name, object]]);
  }

  /** The record with whether it was authorised, once it is known who did it. */
  judged(record: ChangeRecord, delta: Delta, evidence: Evidence): ChangeRecord {
    const { control, id } = record;
    if (control === null) return record;
    const policies = this.#asOf.get(id) ?? policiesOf(this.#policies);
    this.#asOf.delete(id);
    const { kind, namespace, name, uid, refused } = control;
    const foundAt = record.foundAt / 1_000;
    const change: JudgedChange = { id, kind, namespace, name, uid, refused, foundAt, evidence, ...delta };
    const judgement = judge(change, policies, this.#past.of(change.uid));
    this.#past.add(change, judgement);
    const { authorised, reasons } = judgement;
    return { ...record, control: { ...control, authorised, reasons: reasons.map(({ text }) => text) } };
  }
}

function isChangePolicy({ apiVersion, kind }: KubeObject): boolean {
  return kind === "ChangePolicy" && apiVersion.startsWith("controls.sluice.dev/");
}

/** Read once for all changes between two of them. */
const made = new WeakMap<ReadonlyMap<string, KubeObject>, ChangePolicies>();

function policiesOf(objects: ReadonlyMap<string, KubeObject>): ChangePolicies {
  const known = made.get(objects);
  if (known !== undefined) return known;
  const reads = [...objects].map(([name, object]) => ({ name, read: readChangePolicy(object) }));
  const policies: ChangePolicies = {
    readable: reads.flatMap(({ read }) => ("value" in read ? [read.value] : [])),
    unreadable: reads.flatMap(({ name, read }) => ("problems" in read ? [name] : [])),
  };
  made.set(objects, policies);
  return policies;
}
