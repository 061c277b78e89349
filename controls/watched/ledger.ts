import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { canonicalJson } from "../../policy/hash.ts";
import type { Labels } from "../../policy/selector/syntax.ts";
import type { Inherited } from "./asked.ts";
import { type CarriedLabels, carriedLabels } from "./carried-labels.ts";
import { decisiveText, podText } from "./decisive.ts";
import { touchesControls } from "./rbac.ts";
import { qualifiedResource } from "./resource-name.ts";
import { boundRole, type Subject, subjectOf } from "./subject.ts";

/** A state of an object. */
export interface Version {
  /** What of it decides (decisive.ts), or which labels it carries; canonical JSON. */
  readonly text: string;
  readonly uid: string | null;
  readonly resourceVersion: string | null;
}

/** What is known of an object. */
export interface Known extends Version {
  readonly subject: Subject | "labels";
}

/** That an object is another than before. */
export interface Step {
  readonly key: string;
  readonly subject: Known["subject"];
  readonly verb: "create" | "update" | "delete";
  readonly before: Version | null;
  readonly after: Version | null;
  /** As it is, or was. */
  readonly object: KubeObject;
  /** It went with its namespace. */
  readonly isTidiedUp: boolean;
}

/**
 * All that is a control or carries labels, as it was last seen, and what differs when it is seen again. A change that decides nothing (of
 * a status, a pod that comes or goes) is no step; whether other labels matter is a question for the Program (asked.ts).
 */
export class Ledger implements Inherited {
  readonly #known = new Map<string, Known>();
  readonly #ending = new Set<string>();

  /** Takes it that all was so. */
  assume(known: Iterable<readonly [key: string, known: Known]>): void {
    for (const [key, one] of known) this.#known.set(key, one);
  }

  take(changes: readonly Change[]): readonly Step[] {
    return [...this.takeEach(changes)].flatMap(({ steps }) => steps);
  }

  /** One after the other, as far as somebody asks. */
  *takeEach(changes: readonly Change[]): Iterable<{ readonly change: Change; readonly steps: readonly Step[] }> {
    for (const change of changes) this.#noteNamespace(change);
    for (const change of changes)
      yield { change, steps: change.type === "synced" ? [] : this.#takeOne(change.type, change.object) };
  }

  /** What is known and was not among these: gone, while nobody watched; but not where nobody can see what there is. */
  missing(seen: ReadonlySet<string>, unread: ReadonlySet<string>): readonly Change[] {
    const gone = [...this.#known].filter(([key]) => !seen.has(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    return gone
      .map(([, known]) => objectOf(known))
      .filter((object) => !unread.has(qualifiedResource(object)))
      .map((object) => ({ type: "delete", object }));
  }

  /** All but pods, which come and go by the thousand, and are not asked about when it is read again. */
  *lasting(): Iterable<readonly [key: string, known: Known]> {
    for (const [key, known] of this.#known) if (known.subject !== "labels" || !isPodKey(key)) yield [key, known];
  }

  ofNamespace(name: string): Labels {
    return this.#labels(`v1/Namespace/${name}`);
  }

  ofServiceAccount(namespace: string, name: string): Labels {
    return this.#labels(`v1/ServiceAccount/${namespace}/${name}`);
  }

  #labels(key: string): Labels {
    const known = this.#known.get(key);
    return known === undefined ? {} : (objectOf(known).metadata.labels ?? {});
  }

  #noteNamespace(change: Change): void {
    if (change.type === "synced" || change.object.kind !== "Namespace") return;
    const { name, deletionTimestamp } = change.object.metadata;
    if (change.type === "delete" || deletionTimestamp !== undefined) this.#ending.add(name);
    else this.#ending.delete(name);
  }

  #takeOne(type: "upsert" | "delete", object: KubeObject): readonly Step[] {
    const key = keyOf(object);
    const before = this.#known.get(key);
    const after = type === "delete" ? undefined : this.#knownOf(object, before?.subject);
    if (after === undefined) this.#known.delete(key);
    else this.#known.set(key, after);
    if (before !== undefined && after !== undefined && isAnother(before, after))
      return [this.#step(key, object, before, undefined), this.#step(key, object, undefined, after)].filter(isTold);
    return [this.#step(key, object, before, after)].filter(isTold);
  }

  /** Null where it tells nothing. */
  #step(key: string, object: KubeObject, before: Known | undefined, after: Known | undefined): Step | null {
    const either = after ?? before;
    if (either === undefined || before?.text === after?.text) return null;
    const verb = before === undefined ? "create" : after === undefined ? "delete" : "update";
    if (!this.#isMeant(verb, either.subject, object.kind, [before, after])) return null;
    const namespace = object.metadata.namespace;
    return {
      key,
      subject: either.subject,
      verb,
      before: before ?? null,
      after: after ?? null,
      object,
      isTidiedUp: verb === "delete" && namespace !== undefined && this.#ending.has(namespace),
    };
  }

  #isMeant(
    verb: Step["verb"],
    subject: Known["subject"],
    kind: string,
    versions: readonly (Known | undefined)[],
  ): boolean {
    if (subject === "labels") return verb === "update";
    if (subject === "guard" && kind === "Pod") return verb === "delete";
    return subject !== "rbac" || versions.some((version) => version !== undefined && this.#reachesControls(version));
  }

  /** Of a binding to a role that nobody sees, one had better think so. */
  #reachesControls(known: Known): boolean {
    const object = objectOf(known);
    const role = boundRole(object);
    if (role === null) return touchesControls(object);
    const bound = this.#known.get(role);
    return bound === undefined || touchesControls(objectOf(bound));
  }

  /** What was a control stays one as long as it is there, whatever somebody takes from it. */
  #knownOf(object: KubeObject, was: Known["subject"] | undefined): Known | undefined {
    const subject = subjectOf(object) ?? (was === "labels" ? undefined : was);
    const { uid = null, resourceVersion = null } = object.metadata;
    if (subject === undefined) {
      const carried = carriedLabels(object);
      return carried === null
        ? undefined
        : { subject: "labels", text: canonicalJson(carried.part), uid, resourceVersion };
    }
    const text = subject === "guard" && object.kind === "Pod" ? podText(object) : decisiveText(object);
    return { subject, text, uid, resourceVersion };
  }
}

/** As much of the object as is known. */
export function objectOf({ text }: Version): KubeObject {
  return JSON.parse(text) as KubeObject;
}

export function carriedBy(version: Version): CarriedLabels {
  const carried = carriedLabels(objectOf(version));
  if (carried === null) throw new Error("the ledger holds labels of an object that carries none");
  return carried;
}

const isTold = (step: Step | null): step is Step => step !== null;

/** Deleted and made anew under its name. */
const isAnother = (before: Known, after: Known): boolean =>
  before.uid !== null && after.uid !== null && before.uid !== after.uid;

const isPodKey = (key: string): boolean => key.startsWith("v1/Pod/");
