import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { type Effect, effectWhile } from "../../policy/effect.ts";
import type { Problem } from "../../policy/model.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import type { Situation } from "../../policy/space/situation.ts";
import { World } from "../../policy/world.ts";
import { areAsked, type Inherited } from "../watched/asked.ts";
import type { CarriedLabels } from "../watched/carried-labels.ts";
import { carriedBy, type Step } from "../watched/ledger.ts";
import { decidesConnections } from "../watched/subject.ts";

/** What became of the policies and of who can reach whom. */
export interface Outcome {
  readonly programBefore: string;
  readonly programAfter: string;
  /** Null: the object decides about no connection, or it was not worked out. */
  readonly effect: Effect | null;
  /** Why it was not worked out. */
  readonly skipped: string | null;
  /** Why the object was not accepted: its last good state stays in force. */
  readonly problems: readonly Problem[];
}

/** How much may be done to work out effects. */
export interface Leave {
  /** Why none should be now. */
  reasonNotTo(): string | null;
  /** Begins one, which goes on as long as this says so. */
  goOn(): () => boolean;
}

export interface EffectsOptions {
  readonly settings: ProgramSettings;
  readonly inherited: Inherited;
  /** So many changes of who reaches whom are told of one object. */
  readonly limit: number;
  /** Beyond so many pods, nodes, hosts and network sets none is worked out. */
  readonly mostEndpoints: number;
}

/**
 * A world of its own, in which changes are done one after the other, so that each has its own effect, also of those that came at once.
 * What is enforced does not wait for it.
 */
export class Effects {
  readonly #options: EffectsOptions;
  readonly #world: World;
  /** To tell what a workload's template will make of its pods. */
  readonly #pods = new Map<string, KubeObject>();

  constructor(options: EffectsOptions) {
    this.#options = options;
    this.#world = new World(options.settings);
  }

  /** Changes that are no steps. */
  follow(changes: readonly Change[]): void {
    this.#world.apply(changes);
    for (const change of changes) this.#followPod(change);
  }

  /** Undefined for labels that no policy asks about. */
  take(step: Step, leave: Leave): Outcome | undefined {
    if (step.subject === "labels" && !this.#matters(step)) {
      this.follow([changeOf(step)]);
      return undefined;
    }
    if (!decidesConnections(step.subject)) return this.#withoutEffect(step);
    const before = this.#situation();
    const { after, problems } = this.#after(step);
    return {
      programBefore: before.program.revision,
      programAfter: after.program.revision,
      ...this.#effect(before, after, leave),
      problems,
    };
  }

  #effect(before: Situation, after: Situation, { reasonNotTo, goOn }: Leave): Pick<Outcome, "effect" | "skipped"> {
    const reason = reasonNotTo() ?? this.#tooMuch(after);
    if (reason !== null) return { effect: null, skipped: `the effect is not worked out: ${reason}` };
    const effect = effectWhile(goOn(), before, after, { limit: this.#options.limit });
    return effect === undefined
      ? { effect: null, skipped: "the effect is not worked out: it takes too long" }
      : { effect, skipped: null };
  }

  #matters({ before, after }: Step): boolean {
    if (before === null || after === null) return false;
    return areAsked(this.#world.program(), carriedBy(before), carriedBy(after), this.#options.inherited);
  }

  #withoutEffect(step: Step): Outcome {
    this.follow([changeOf(step)]);
    const { revision } = this.#world.program();
    return { programBefore: revision, programAfter: revision, effect: null, skipped: null, problems: [] };
  }

  #after(step: Step): { readonly after: Situation; readonly problems: readonly Problem[] } {
    const change = changeOf(step);
    const relabelled = this.#replaced(step);
    const faults = this.#world.apply([change, ...relabelled.map(upsert)]);
    const after = this.#situation();
    this.#followPod(change);
    // They are to be, and are not yet.
    this.#world.apply(relabelled.map((pod) => upsert(this.#pods.get(keyOf(pod)) ?? pod)));
    return { after, problems: faults.flatMap(({ problems }) => problems) };
  }

  /** The pods of a workload as they will be once they are made by its new template. */
  #replaced({ subject, before, after }: Step): readonly KubeObject[] {
    if (subject !== "labels" || before === null || after === null) return [];
    const [old, now] = [carriedBy(before), carriedBy(after)];
    if (now.of !== "template") return [];
    return [...this.#pods.values()].filter((pod) => isMadeBy(pod, old)).map((pod) => asMadeBy(pod, old, now));
  }

  #tooMuch({ placement }: Situation): string | null {
    const { mostEndpoints } = this.#options;
    const { size } = placement.endpoints;
    return size <= mostEndpoints ? null : `${size} endpoints, more than ${mostEndpoints}`;
  }

  #situation(): Situation {
    return { program: this.#world.program(), placement: this.#world.placement() };
  }

  #followPod(change: Change): void {
    if (change.type === "synced" || change.object.kind !== "Pod") return;
    if (change.type === "upsert") this.#pods.set(keyOf(change.object), change.object);
    else this.#pods.delete(keyOf(change.object));
  }
}

function changeOf({ verb, object }: Step): Change {
  return { type: verb === "delete" ? "delete" : "upsert", object };
}

const upsert = (object: KubeObject): Change => ({ type: "upsert", object });

function isMadeBy({ metadata }: KubeObject, { selects, part }: CarriedLabels): boolean {
  return (
    selects !== null &&
    metadata.namespace === part.metadata.namespace &&
    Object.entries(selects).every(([key, value]) => metadata.labels?.[key] === value)
  );
}

function asMadeBy(pod: KubeObject, old: CarriedLabels, now: CarriedLabels): KubeObject {
  const own = Object.entries(pod.metadata.labels ?? {}).filter(([key]) => !Object.hasOwn(old.labels, key));
  const labels = { ...Object.fromEntries(own), ...now.labels };
  const spec = { ...(pod["spec"] as object), serviceAccountName: now.serviceAccount };
  return { ...pod, metadata: { ...pod.metadata, labels }, spec };
}
