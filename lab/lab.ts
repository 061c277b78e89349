import type { Clock } from "../core/clock.ts";
import { SluiceError } from "../core/errors.ts";
import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import type { Log } from "../core/log.ts";
import { namespacePath } from "../core/netlink/namespace.ts";
import { claim, release, scratchFolder } from "./claim.ts";
import { applyLinks, applyNft } from "./command.ts";
import { knownNames } from "./known-names.ts";
import { endProcesses, removeNamespaces } from "./leftovers.ts";
import { checkLabName } from "./names.ts";
import { type ClusterPlan, type External, type PodPlan, planCluster } from "./plan.ts";
import { hasLink, type LinkScripts, renderLinks, renderPod, renderPodRemoval } from "./render-links.ts";
import { renderProxy } from "./render-proxy.ts";
import { applySettings, podSettings, type Settings, settingsOf } from "./sysctl.ts";
import { type Agent, startAgent } from "./traffic/agent-process.ts";
import type { ServedPort } from "./traffic/messages.ts";

export interface LabOptions {
  /** 1 to 20 lower-case letters and digits. */
  readonly name: string;
  /** Nodes, Pods and Services; other kinds are ignored. */
  readonly objects: readonly KubeObject[];
  readonly externals?: readonly External[];
  readonly clock: Clock;
  readonly log: Log;
}

export interface LabNode {
  readonly name: string;
  /** For enterNamespace and `ip -n`. */
  readonly namespacePath: string;
}

/**
 * A cluster on this machine: a network namespace per node and pod, routed as Calico would. It belongs to this process; when
 * the process dies without `down`, the next `up` of that name clears what it left.
 */
export class Lab {
  readonly #options: LabOptions;
  readonly #log: Log;
  readonly #agents = new Map<string, Promise<Agent>>();
  #objects: readonly KubeObject[];
  #plan: ClusterPlan;
  #up = false;
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws MANIFEST_INVALID; touches nothing yet. */
  constructor(options: LabOptions) {
    this.#options = options;
    this.#log = options.log.child({ part: "lab", lab: options.name });
    this.#objects = options.objects;
    this.#plan = this.#planOf(options.objects);
  }

  get nodes(): readonly LabNode[] {
    return this.#plan.nodes.map(({ name, namespace }) => ({ name, namespacePath: namespacePath(namespace) }));
  }

  get plan(): ClusterPlan {
    return this.#plan;
  }

  /** A folder that exists while the lab is up and goes with it, crash or not. */
  get scratch(): string {
    return scratchFolder(this.#plan.name);
  }

  /** Builds the cluster. If that fails, or the signal aborts, nothing stays. */
  up(signal?: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#up) throw new SluiceError("LAB_FAILED", `lab "${this.#plan.name}" is up already`);
      requireRoot();
      const started = this.#options.clock.monotonic();
      await claim(this.#plan.name);
      this.#up = true;
      try {
        await removeNamespaces(this.#plan.name);
        await this.#build(renderLinks(this.#plan), settingsOf(this.#plan), signal);
        await this.#loadProxies();
        signal?.throwIfAborted();
      } catch (thrown) {
        await this.#dismantle();
        throw thrown;
      }
      const ms = Math.round(this.#options.clock.monotonic() - started);
      this.#log.info({ nodes: this.#plan.nodes.length, pods: this.#plan.pods.length, ms }, "lab is up");
    });
  }

  /** Removes what a dead run of a lab of this name left. Throws LAB_FAILED if that lab is alive. */
  static async clear(name: string): Promise<void> {
    checkLabName(name);
    requireRoot();
    await claim(name);
    await removeNamespaces(name);
    await release(name);
  }

  /** Removes everything. Harmless when there is nothing. */
  down(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#up) await this.#dismantle();
    });
  }

  /**
   * The traffic program of `namespace/pod`, `node:NAME` or `external:NAME`, started when it is first asked for. It serves the
   * ports that the pod or external host declares.
   */
  agent(of: string): Promise<Agent> {
    const known = this.#agents.get(of);
    if (known !== undefined) return known;
    const agent = this.#startAgent(of);
    this.#agents.set(of, agent);
    const forget = () => this.#agents.get(of) === agent && this.#agents.delete(of);
    agent.then(({ ended }) => ended).then(forget, forget);
    return agent;
  }

  /** Starts the agents of all pods and external hosts, so that all declared ports answer. */
  async startAgents(): Promise<void> {
    const { pods, externals } = this.#plan;
    const [first, ...others] = [...pods.map(({ id }) => id), ...externals.map(({ name }) => `external:${name}`)];
    if (first !== undefined) await this.agent(first); // fills the cache for the others
    await Promise.all(others.map((of) => this.agent(of)));
  }

  /** Connects a pod that comes later. */
  addPod(object: KubeObject): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireUp();
      const objects = [...this.#objects, object];
      const plan = this.#planOf(objects);
      const pod = plan.pods.find(({ id }) => !this.#plan.pods.some((known) => known.id === id));
      if (pod !== undefined && hasLink(pod)) await this.#build(renderPod(plan, pod), [podSettings(pod)]);
      await this.#become(objects, plan);
    });
  }

  /**
   * Takes a pod (`namespace/name`) away: Services forget it, its agent ends, link, route and namespace go. Connections that
   * the kernel remembers stay remembered, as in real life.
   */
  removePod(id: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireUp();
      const pod = this.#plan.pods.find((candidate) => candidate.id === id);
      if (pod === undefined) throw new SluiceError("LAB_FAILED", `no pod ${id} in lab "${this.#plan.name}"`);
      const before = this.#plan;
      const objects = this.#objects.filter((object) => !isPod(object, id));
      await this.#become(objects, this.#planOf(objects));
      await this.#disconnect(before, pod);
    });
  }

  /** Takes over what is given of Services and Pods' labels, and rebuilds the Service addresses. Links stay as they are. */
  updateServices(objects: readonly KubeObject[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireUp();
      const changed = new Map(objects.map((object) => [keyOf(object), object]));
      const kept = this.#objects.map((object) => changed.get(keyOf(object)) ?? object);
      const known = new Set(kept.map(keyOf));
      const merged = [...kept, ...objects.filter((object) => object.kind === "Service" && !known.has(keyOf(object)))];
      await this.#become(merged, this.#planOf(merged));
    });
  }

  #planOf(objects: readonly KubeObject[]): ClusterPlan {
    const { name, externals = [] } = this.#options;
    return planCluster(objects, { name, externals });
  }

  async #become(objects: readonly KubeObject[], plan: ClusterPlan): Promise<void> {
    this.#objects = objects;
    this.#plan = plan;
    await this.#loadProxies();
  }

  async #build(
    { namespaces, links, insides }: LinkScripts,
    settings: readonly Settings[],
    signal?: AbortSignal,
  ): Promise<void> {
    await applyLinks(namespaces);
    await applySettings(settings);
    signal?.throwIfAborted();
    await applyLinks(links);
    await Promise.all(insides.map(applyLinks));
    signal?.throwIfAborted();
  }

  async #loadProxies(): Promise<void> {
    const text = renderProxy(this.#plan.frontends);
    await Promise.all(this.#plan.nodes.map(({ namespace }) => applyNft(namespace, text)));
  }

  async #startAgent(of: string): Promise<Agent> {
    this.#requireUp();
    const { namespace, addresses, ports } = this.#placeOf(of);
    const agent = await startAgent({ namespace, addresses, cache: `${this.scratch}/cache` });
    const served = ports.filter(({ protocol }) => protocol !== "SCTP");
    if (served.length < ports.length)
      this.#log.warn({ agent: of }, "sctp ports are not served: node has no sctp sockets");
    await agent.serve(served.map((port) => this.#withNames(port)));
    return agent;
  }

  /** Who serves DNS knows the names of the lab. */
  #withNames(served: ServedPort): ServedPort {
    const isDns = served.port === dnsPort && served.protocol === "UDP";
    return isDns ? { ...served, names: knownNames(this.#plan) } : served;
  }

  #placeOf(of: string): { namespace: string; addresses: readonly string[]; ports: readonly ServedPort[] } {
    const [, kind, name] = /^(?:(node|external):)?(.*)$/.exec(of) ?? [];
    const { nodes, externals, pods } = this.#plan;
    if (kind === "node") {
      const node = nodes.find((candidate) => candidate.name === name);
      if (node !== undefined) return { ...node, ports: [] };
    } else {
      const place =
        kind === "external" ? externals.find((host) => host.name === name) : pods.find(({ id }) => id === name);
      if (place !== undefined) return place;
    }
    throw new SluiceError("LAB_FAILED", `nothing called "${of}" in lab "${this.#plan.name}"`);
  }

  async #disconnect(plan: ClusterPlan, pod: PodPlan): Promise<void> {
    const agent = this.#agents.get(pod.id);
    this.#agents.delete(pod.id);
    if (agent !== undefined) await closeStarted(agent);
    if (!hasLink(pod)) return;
    await endProcesses([pod.namespace]);
    for (const script of renderPodRemoval(plan, pod)) await applyLinks(script);
  }

  async #dismantle(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map(closeStarted));
    await removeNamespaces(this.#plan.name);
    await release(this.#plan.name);
    this.#up = false;
    this.#log.info({}, "lab is down");
  }

  #requireUp(): void {
    if (!this.#up) throw new SluiceError("LAB_FAILED", `lab "${this.#plan.name}" is not up`);
  }

  /** Changes of the cluster happen one after another. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** An agent that did not start has nothing to close. */
async function closeStarted(agent: Promise<Agent>): Promise<void> {
  await (await agent.catch(() => undefined))?.close();
}

function isPod({ kind, metadata }: KubeObject, id: string): boolean {
  return kind === "Pod" && `${metadata.namespace ?? "default"}/${metadata.name}` === id;
}

function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new SluiceError("PERMISSION_DENIED", "the lab makes network namespaces: run it as root");
}

const dnsPort = 53;
