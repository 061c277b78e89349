import { type Deed, targetKey } from "../../core/kube/deed.ts";
import { Multimap } from "../../core/multimap.ts";
import { findEvidence, skewMs } from "./find.ts";
import type { Evidence, Sighting } from "./sighting.ts";

/** What was told of lately, by object. The oldest go first: when their time is over, or where there is no more room. */
export class Deeds {
  readonly #keepMs: number;
  readonly #most: number;
  readonly #byId = new Map<string, { readonly deed: Deed; readonly until: number }>();
  readonly #byTarget = new Multimap<string, Deed>();
  /** Those that some change came of. */
  readonly #claimed = new Set<string>();

  constructor({ keepMs, most }: { readonly keepMs: number; readonly most: number }) {
    this.#keepMs = keepMs;
    this.#most = most;
  }

  /** False if it is known. */
  add(deed: Deed, now: number): boolean {
    if (this.#byId.has(deed.id)) return false;
    this.#byId.set(deed.id, { deed, until: now + this.#keepMs });
    this.#byTarget.add(targetKey(deed.target), deed);
    this.#forget(now);
    return true;
  }

  evidenceOf(sighting: Sighting): Evidence {
    const { target } = sighting;
    const deeds = this.#of(target.group, target.resource, target.namespace, target.name);
    // Of many objects deleted at once the API server may not say which.
    const collections = new Set(
      [target.namespace, null].flatMap((namespace) => this.#of(target.group, target.resource, namespace, null)),
    );
    const evidence = findEvidence(sighting, deeds, [...collections]);
    if (evidence.deed === null) return evidence;
    const also = this.#before(evidence.deed, sighting, deeds);
    return { ...evidence, also, cause: this.#causeOf(evidence.deed, target.namespace) };
  }

  /** A change came of these: they were not done before a later one. */
  claim({ deed, also }: Evidence): void {
    for (const { id } of deed === null ? also : [deed, ...also]) if (this.#byId.has(id)) this.#claimed.add(id);
  }

  /** What was done to it since it was last seen and before that. */
  #before({ to }: Deed, { target, since }: Sighting, deeds: readonly Deed[]): readonly Deed[] {
    return deeds.filter(
      (other) =>
        other.refusal === null &&
        other.target.subresource !== "status" &&
        (other.target.uid === null || other.target.uid === target.uid) &&
        other.to < to &&
        other.to >= since - skewMs &&
        !this.#claimed.has(other.id),
    );
  }

  #causeOf({ who, verb }: Deed, namespace: string | null): Deed | null {
    if (verb !== "delete" || namespace === null || !tidiers.has(who.user)) return null;
    const deletions = this.#of("", "namespaces", null, namespace).filter(
      (deed) => deed.verb === "delete" && deed.refusal === null && !tidiers.has(deed.who.user),
    );
    return deletions[0] ?? null;
  }

  #of(group: string, resource: string, namespace: string | null, name: string | null): readonly Deed[] {
    return [...this.#byTarget.get(targetKey({ group, resource, namespace, name }))];
  }

  #forget(now: number): void {
    for (const [id, { deed, until }] of this.#byId) {
      if (until > now && this.#byId.size <= this.#most) return;
      this.#byId.delete(id);
      this.#claimed.delete(id);
      this.#byTarget.delete(targetKey(deed.target), deed);
    }
  }
}

/** Who deletes what is in a namespace that somebody deleted; the second where controllers share one identity. */
const tidiers = new Set(["system:serviceaccount:kube-system:namespace-controller", "system:kube-controller-manager"]);
