// An Enforcer of the node of large-node.ts in a network namespace of its own, whose kernel transactions are timed.

import { parseAddress, parseCidr } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { diff } from "../../enforcer/diff.ts";
import { Enforcer, type Repair } from "../../enforcer/enforcer.ts";
import type { Links } from "../../enforcer/interfaces.ts";
import type { Nft } from "../../enforcer/nft.ts";
import { defaultSettings, render } from "../../enforcer/render.ts";
import type { Transaction } from "../../enforcer/ruleset.ts";
import type { Tampering } from "../../enforcer/tamper/table-event.ts";
import { World } from "../../policy/world.ts";
import { localPods, nodeName, podAddress, podCidr } from "./large-node.ts";

const podCidrs = [parseCidr(podCidr)];

export class MeasuredEnforcer {
  readonly world = new World();
  /** Of the transactions so far: milliseconds in the kernel and on the way there, and what the first one was. */
  readonly kernelMs: number[] = [];
  census = "";
  onRepair: (repair: Repair) => void = () => {};
  unheard: (work: () => Promise<boolean>) => Promise<boolean> = (work) => work();
  readonly #enforcer: Enforcer;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #links: Links;
  #changed = Promise.withResolvers<void>();

  constructor(nft: Nft) {
    const behind = new Map(Array.from({ length: localPods }, (_, n) => [parseAddress(podAddress(n)), `slp${n}`]));
    this.#links = { behind, own: new Map() };
    this.#enforcer = new Enforcer({
      node: nodeName,
      nft: {
        list: () => nft.list(),
        check: (transaction) => nft.check(transaction),
        apply: (t) => this.#apply(nft, t),
        rewrite: (more) => nft.rewrite(more),
      },
      interfaces: { read: () => Promise.resolve(this.#links) },
      clock: systemClock,
      log: silentLog,
      settings: defaultSettings,
      random: () => 0,
      // As where the kernel's events tell of tampering: to compare the table takes seconds, in which no change gets in.
      lookMs: 300_000,
      onRepair: (repair) => this.onRepair(repair),
      unheard: (work) => this.unheard(work),
    });
    this.#running = this.#enforcer.run(this.#stop.signal);
  }

  get status(): Enforcer["status"] {
    return this.#enforcer.status;
  }

  disturbed(tampering: Tampering): boolean {
    return this.#enforcer.disturbed(tampering);
  }

  put(...objects: readonly KubeObject[]): void {
    const faults = this.world.apply(objects.map((object) => ({ type: "upsert", object })));
    if (faults.length > 0) throw new Error(`refused: ${JSON.stringify(faults[0])}`);
  }

  delete(object: KubeObject): void {
    this.world.apply([{ type: "delete", object }]);
  }

  /** What the kernel's routes say when a pod comes to this node, or goes. */
  bind(number: number, there: boolean): void {
    const next = new Map(this.#links.behind);
    if (there) next.set(parseAddress(podAddress(number)), `slp${number}`);
    else next.delete(parseAddress(podAddress(number)));
    this.#links = { ...this.#links, behind: next };
  }

  hand(): void {
    this.#enforcer.update(this.world.program(), this.world.placement(), { podCidrs });
  }

  /** What loads everything, as it is now. */
  fromScratch(): Transaction {
    const view = { node: nodeName, interfaces: this.#links.behind, podCidrs, settings: defaultSettings };
    return diff(undefined, render(this.world.program(), this.world.placement(), view).ruleset);
  }

  /** Until the kernel has taken the next transaction that begins. */
  async nextTransaction(): Promise<void> {
    await this.#changed.promise;
  }

  /** Until everything handed out so far is in the kernel, and what was put off as well. */
  async settled(): Promise<void> {
    const { revision } = this.world.program();
    for (let still = 0; still < 6; ) {
      const { applied } = this.status;
      await systemClock.sleep(500);
      still = applied === this.status.applied && this.status.revision === revision ? still + 1 : 0;
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #apply(nft: Nft, transaction: Transaction): Promise<void> {
    const [started, awaited] = [systemClock.monotonic(), this.#changed];
    this.#changed = Promise.withResolvers();
    await nft.apply(transaction);
    this.kernelMs.push(systemClock.monotonic() - started);
    this.census ||= censusOf(transaction);
    awaited.resolve();
  }
}

function censusOf(transaction: Transaction): string {
  const count = { sets: 0, elements: 0, chains: 0, rules: 0 };
  for (const command of transaction) {
    if (command.verb === "add-set" || command.verb === "add-map") count.sets += 1;
    if (command.verb === "add-elements") count.elements += command.elements.length;
    if (command.verb === "add-entries") count.elements += command.entries.size;
    if (command.verb === "add-chain") count.chains += 1;
    if (command.verb === "add-rules") count.rules += command.rules.length;
  }
  return Object.entries(count)
    .map(([what, number]) => `${number} ${what}`)
    .join(", ");
}
