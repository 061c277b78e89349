import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import { Backends } from "./backends.ts";
import { Controls } from "./controls.ts";
import { Endpoints } from "./endpoints.ts";
import { Held } from "./held.ts";
import type { Node } from "./kinds/cluster.ts";
import { type Fact, readFact } from "./kinds/read.ts";
import type { Problem } from "./model.ts";
import type { Placement } from "./placement.ts";
import { Population } from "./population.ts";
import type { Program } from "./program.ts";
import { defaultProgramSettings, type ProgramSettings } from "./program-settings.ts";
import { SharedTraits } from "./shared-traits.ts";

/** A fault of one object, which keeps its last good state. */
export interface Fault {
  readonly object: KubeObject;
  readonly problems: readonly Problem[];
}

/** A Program that somebody keeps. */
export interface HeldProgram {
  readonly program: Program;
  placement(): Placement;
  release(): void;
}

/**
 * All objects that policy depends on. Changes go in; the Program and the Placement that follow from the current state
 * come out, recomputed only where something they depend on has changed. What comes out is the same whatever the way that led to
 * the state, and never changes afterwards.
 *
 *   objects -> facts -> Controls (policies, tiers) -> Compiler -> Program
 *                    -> Endpoints, Backends -> Population -> Placer -> Placement
 */
export class World {
  readonly #facts = new Map<string, Fact>();
  readonly #traits = new SharedTraits();
  readonly #endpoints = new Endpoints(this.#facts);
  readonly #backends = new Backends();
  readonly #population = new Population();
  readonly #controls: Controls;
  readonly #held = new Set<Held>();
  #nodes: ReadonlyMap<string, Node> | undefined;

  constructor(settings: ProgramSettings = defaultProgramSettings) {
    this.#controls = new Controls(this.#population, settings);
  }

  /** Takes changes in and tells which objects were refused; those keep their last good state. */
  apply(changes: readonly Change[]): readonly Fault[] {
    const faults: Fault[] = [];
    for (const change of changes) {
      if (change.type === "synced") continue;
      const key = keyOf(change.object);
      if (change.type === "delete") this.#replace(key, undefined);
      else {
        const read = readFact(change.object);
        if ("problems" in read) faults.push({ object: change.object, problems: read.problems });
        else this.#replace(key, this.#shared(read.value));
      }
    }
    return faults;
  }

  program(): Program {
    return this.#controls.inForce.program();
  }

  placement(): Placement {
    this.#settle();
    return this.#controls.inForce.placement();
  }

  /** What would be if everything staged were in force. */
  pending(): { readonly program: Program; readonly placement: Placement } {
    const view = this.#controls.pending() ?? this.#controls.inForce;
    this.#settle();
    return { program: view.program(), placement: view.placement() };
  }

  /** Keeps a Program while policies go on, with a Placement for those who are there at any time; until `release`. */
  hold(program: Program): HeldProgram {
    this.#settle();
    const held = new Held(this.#population, program);
    this.#held.add(held);
    return {
      program,
      placement: () => {
        this.#settle();
        return held.placement();
      },
      release: () => {
        if (this.#held.delete(held)) held.close();
      },
    };
  }

  nodes(): ReadonlyMap<string, Node> {
    this.#nodes ??= new Map(this.#endpoints.nodes().map((node) => [node.name, node]));
    return this.#nodes;
  }

  /** Tiers that policies name but nobody made; their policies come last and deny. */
  missingTiers(): readonly string[] {
    return this.#controls.missingTiers();
  }

  #shared(fact: Fact): Fact {
    return fact.type === "pod" ? { type: "pod", pod: this.#traits.of(fact.pod) } : fact;
  }

  #replace(key: string, after: Fact | undefined): void {
    const before = this.#facts.get(key);
    if (after === undefined) this.#facts.delete(key);
    else this.#facts.set(key, after);
    this.#endpoints.put(key, before, after);
    this.#controls.put(key, before, after);
    if (before?.type === "node" || after?.type === "node") this.#nodes = undefined;
    if (before?.type === "endpointSlice" || after?.type === "endpointSlice")
      this.#backends.put(key, after?.type === "endpointSlice" ? after.endpointSlice : undefined);
  }

  /** Brings all views to the Programs and the endpoints there are. */
  #settle(): void {
    const views = this.#controls.views();
    for (const view of views) view.settle();
    const movement = this.#population.update({ endpoints: this.#endpoints.take(), services: this.#backends.take() });
    for (const view of [...views, ...this.#held]) view.move(movement);
  }
}
