import type { Condition, Fields, Path, Template } from "./template.ts";

/** A process of Sluice in the cluster. */
export interface Component {
  /** `enrich`; its section of the values is named the same. */
  readonly name: string;
  readonly args: readonly Template[];
  /** When it is installed; undefined: always. */
  readonly condition?: Condition;
  /** How many; undefined where there must not be two. */
  readonly replicas?: Template;
  /** Whether, or by which value, it reads the objects of the cluster; without, it has no token for the API server. */
  readonly readsObjects: boolean | Path;
  /** Where it connects to, by the values' lists of ports. */
  readonly reaches: readonly Reached[];
  readonly env?: readonly Fields[];
  readonly volumes?: readonly Volume[];
  /** Fields of its pod beyond what all have. */
  readonly pod?: Fields;
}

export type Reached = "kafka" | "elasticsearch" | "redis" | "apiServer";

export interface Volume {
  readonly name: string;
  /** Null: not in the container that does the work. */
  readonly path: string | null;
  /** As a pod names it, without its name. */
  readonly from: Fields;
  readonly condition?: Condition;
}
