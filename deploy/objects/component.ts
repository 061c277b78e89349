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
  /** What it may do beyond reading them. */
  readonly rights?: readonly Right[];
  /** What it keeps over its restarts, by the values: a volume of that size. */
  readonly claim?: Claim;
  /** Ports at which others than Prometheus reach it. */
  readonly serves?: Served;
  /** Where it connects to, by the values' lists of ports. */
  readonly reaches: readonly Reached[];
  readonly env?: readonly Template[];
  readonly volumes?: readonly Volume[];
  /** Fields of its pod beyond what all have. */
  readonly pod?: Fields;
}

/** What may be done with resources of one API group. */
export interface Right {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export interface Claim {
  readonly name: string;
  readonly size: Path;
  readonly storageClass: Path;
}

export interface Served {
  readonly condition: Path;
  readonly ports: Readonly<Record<string, number>>;
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
