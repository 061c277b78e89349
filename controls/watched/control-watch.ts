import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Sighting } from "../evidence/sighting.ts";
import { controlRecord, type Seen } from "../log/control-record.ts";
import { Effects, type EffectsOptions, type Leave } from "../log/effects.ts";
import { type Delta, deltaOf } from "./delta.ts";
import { carriedBy, type Known, Ledger, objectOf, type Step } from "./ledger.ts";
import { groupOf, resourceOf } from "./resource-name.ts";

/** A record of which nobody has yet said who did it. */
export interface Draft {
  readonly record: ChangeRecord;
  readonly sighting: Sighting;
  /** As it is, or was. */
  readonly object: KubeObject;
  readonly delta: Delta;
}

export interface ControlWatchOptions extends Omit<EffectsOptions, "inherited"> {
  readonly cluster: string;
}

/** What was known when somebody last watched. */
export interface Earlier {
  readonly known: ReadonlyMap<string, Known>;
  /** Milliseconds. */
  readonly until: number;
  /** Kinds of which nobody knows now what there is, as `plural.group`. */
  readonly unread: ReadonlySet<string>;
}

export interface Circumstances extends Leave {
  /** When it was heard. */
  now(): number;
}

/** How long what is watched may take to get here: a silent link is found out after that long. */
const latencyMs = 90_000;

/**
 * Makes records of what list and watch tell, change by change. Each is worked out when it is asked for, so whoever asks may take a breath
 * in between.
 */
export class ControlWatch {
  readonly #cluster: string;
  readonly #ledger = new Ledger();
  readonly #effects: Effects;
  #lastUs = 0;

  constructor({ cluster, ...options }: ControlWatchOptions) {
    this.#cluster = cluster;
    this.#effects = new Effects({ ...options, inherited: this.#ledger });
  }

  /** All but pods. */
  known(): Iterable<readonly [key: string, known: Known]> {
    return this.#ledger.lasting();
  }

  /** Takes all that exists; what is other than it was earlier is told, one thing after the other, in the order of names. */
  *begin(all: readonly Change[], earlier: Earlier | null, at: Circumstances): Iterable<Draft> {
    if (earlier === null) {
      this.#ledger.take(all);
      this.#effects.follow(all);
      return;
    }
    this.#ledger.assume(earlier.known);
    const objects = all.flatMap((change) => (change.type === "upsert" ? [{ change, key: keyOf(change.object) }] : []));
    const seen = new Set(objects.map(({ key }) => key));
    const inOrder = objects.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ change }) => change);
    const steps = [...this.#ledger.take(this.#ledger.missing(seen, earlier.unread)), ...this.#ledger.take(inOrder)];
    const firsts = new Map(steps.toReversed().map((step) => [step.key, step]));
    this.#effects.follow(all.flatMap((change) => asItWas(change, firsts)));
    this.#effects.follow(steps.filter(({ verb }) => verb === "delete").flatMap((step) => formerly(step)));
    for (const step of steps) yield* this.#draft(step, at, earlier.until);
  }

  *take(changes: readonly Change[], at: Circumstances): Iterable<Draft> {
    let others: Change[] = [];
    for (const { change, steps } of this.#ledger.takeEach(changes)) {
      if (steps.length === 0) others.push(change);
      else {
        this.#effects.follow(others);
        others = [];
        for (const step of steps) yield* this.#draft(step, at, null);
      }
    }
    this.#effects.follow(others);
  }

  *#draft(step: Step, at: Circumstances, since: number | null): Iterable<Draft> {
    const outcome = this.#effects.take(step, at);
    if (outcome === undefined) return;
    const foundAt = this.#moment(at.now());
    const seen: Seen = { start: since === null ? foundAt : since * 1000, foundAt, isAtStart: since !== null };
    const record = controlRecord(step, outcome, seen, this.#cluster);
    yield {
      record,
      object: step.object,
      delta: deltaOf(step),
      sighting: sightingOf(step, since ?? foundAt / 1000 - latencyMs, foundAt / 1000),
    };
  }

  /** Of what comes at once each is a microsecond later than the one before, so that their order is kept. */
  #moment(now: number): number {
    this.#lastUs = Math.max(Math.round(now * 1000), this.#lastUs + 1);
    return this.#lastUs;
  }
}

function sightingOf({ object, verb, before, after }: Step, since: number, foundAt: number): Sighting {
  const { apiVersion, kind, metadata } = object;
  const target = {
    group: groupOf(apiVersion),
    resource: resourceOf(kind),
    namespace: metadata.namespace ?? null,
    name: metadata.name,
    uid: after?.uid ?? before?.uid ?? null,
  };
  const resourceVersion = after?.resourceVersion ?? null;
  return { target, verb, resourceVersion, after: after === null ? null : object, since, foundAt };
}

/** What is as it is now and was otherwise, as it was. */
function asItWas(change: Change, firsts: ReadonlyMap<string, Step>): readonly Change[] {
  if (change.type === "synced") return [];
  const step = firsts.get(keyOf(change.object));
  return step === undefined ? [change] : step.verb === "create" ? [] : formerly(step);
}

function formerly({ subject, before, object }: Step): readonly Change[] {
  if (before === null) return [];
  if (subject !== "labels") return [{ type: "upsert", object: objectOf(before) }];
  const { of, labels } = carriedBy(before);
  return of === "template" ? [] : [{ type: "upsert", object: { ...object, metadata: { ...object.metadata, labels } } }];
}
