import { Engine, type EngineOptions } from "../../bin/engine.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { Lab } from "../../lab/lab.ts";
import type { External } from "../../lab/plan.ts";
import { ObjectStore } from "../support/object-source.ts";
import { until } from "../support/until.ts";

export interface EngineLabOptions {
  readonly name: string;
  /** Nodes and pods, that are there. */
  readonly cluster: readonly KubeObject[];
  /** What only the lab is told of. */
  readonly services?: readonly KubeObject[];
  readonly externals?: readonly External[];
  /** What only the engine is told of. */
  readonly policies: readonly KubeObject[];
  readonly flags?: Readonly<Record<string, string>>;
}

/** The whole product on a cluster of its own, and what it has told. */
export class EngineLab {
  readonly lab: Lab;
  readonly objects: ObjectStore;
  readonly metrics = new Metrics();
  readonly flows: Flow[] = [];
  readonly losses: Loss[] = [];
  readonly changes: ChangeRecord[] = [];
  readonly #config: EngineOptions["config"];
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor({ name, cluster, services = [], externals = [], policies, flags = {} }: EngineLabOptions) {
    const objects = [...cluster, ...services];
    this.lab = new Lab({ name, objects, externals, clock: systemClock, log: silentLog });
    this.objects = new ObjectStore([...cluster, ...policies]);
    this.#config = parseConfig({ flags: { "collector.window-ms": "200", ...flags } });
  }

  /** `given` is made once the configuration is known. */
  async up(given: (config: EngineOptions["config"]) => Partial<EngineOptions> = () => ({})): Promise<void> {
    await this.lab.up();
    await this.lab.startAgents();
    const engine = new Engine({
      seats: this.lab.nodes.map(({ name, namespacePath }) => ({ node: name, namespacePath })),
      objects: this.objects,
      config: this.#config,
      clock: systemClock,
      log: silentLog,
      metrics: this.metrics,
      flows: into(this.flows),
      losses: into(this.losses),
      changes: into(this.changes),
      leaveRules: false,
      ...given(this.#config),
    });
    this.#running = engine.run(this.#stop.signal);
    this.#running.catch(() => {});
    await Promise.race([engine.ready(this.#stop.signal), this.#running]);
  }

  /** Ends the engine; throws why it failed, if it did. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async down(): Promise<void> {
    try {
      await this.stop();
    } finally {
      await this.lab.down();
    }
  }

  found(what: string, wanted: (flow: Flow) => boolean): Promise<Flow> {
    return until(what, () => this.flows.find(wanted));
  }

  /** Namespace of a node, of a pod by `namespace/name`, or of `external:name`, for `runIn`. */
  namespaceOf(of: string): string {
    const { nodes, pods, externals } = this.lab.plan;
    const all = [...nodes, ...pods.map((pod) => ({ ...pod, name: pod.id })), ...externals];
    const found = all.find(({ name }) => name === of.replace(/^external:/, ""));
    if (found === undefined) throw new Error(`the lab has no ${of}`);
    return found.namespace;
  }
}

const into = <T>(all: T[]) => ({
  name: "test",
  write: (batch: readonly T[]) => Promise.resolve(void all.push(...batch)),
});
