import type { Address } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { ChangeRecord } from "../core/records/change.ts";
import type { Arrival } from "../enforcer/arrivals.ts";
import { Enforcer } from "../enforcer/enforcer.ts";
import { KeptFile } from "../enforcer/kept-file.ts";
import type { KernelProof } from "../enforcer/proof-kernel.ts";
import { Prover } from "../enforcer/prover.ts";
import { Revoker } from "../enforcer/revoker.ts";
import { Guard } from "../enforcer/tamper/guard.ts";
import type { Kernel } from "./kernel.ts";
import { type ArrivedPod, proofText } from "./node-status.ts";
import { enforcerFolder, renderSettingsOf } from "./render-settings.ts";
import type { Seat } from "./seat-option.ts";
import { together } from "./together.ts";

export interface EnforcedNodeOptions {
  readonly seat: Seat;
  readonly kernel: Kernel;
  readonly proof: KernelProof;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Whether its last good rules are kept in the data folder. */
  readonly isKept: boolean;
  /** Whether IPv6 of pods passes it. */
  readonly ipv6: () => boolean;
  /** Since when the pod runs that has an address here, as its object says; wall time, milliseconds. */
  readonly startOf: (address: Address) => number | undefined;
  readonly onAlert: ((text: string) => void) | undefined;
  /** Told of each change that others make to its rules. */
  readonly onChange: (change: ChangeRecord) => void;
  readonly onTamper: ((change: ChangeRecord, repeats: number) => void) | null;
}

/** A node that enforces: who makes its rules, keeps them, watches over them and proves that they work. */
export class EnforcedNode {
  readonly #options: EnforcedNodeOptions;
  readonly #keeper: KeptFile | undefined;
  readonly #prover: Prover | undefined;
  readonly #guard: Guard | undefined;
  #lastArrival: ArrivedPod | undefined;
  readonly enforcer: Enforcer;

  constructor(options: EnforcedNodeOptions) {
    this.#options = options;
    this.#keeper = options.isKept ? this.#newKeeper() : undefined;
    this.enforcer = this.#newEnforcer();
    this.#guard = this.#newGuard();
    this.#prover = options.config.enforcer.probeMs > 0 ? this.#newProver() : undefined;
  }

  /** Resolves when no change by others is missed any more. */
  get ready(): Promise<void> {
    return this.#guard?.ready ?? Promise.resolve();
  }

  /** How the last proof went; undefined where nothing is proven. */
  get probe(): Prover["status"] | undefined {
    return this.#prover?.status;
  }

  /** The last pod that came; undefined before one did. */
  get lastArrival(): ArrivedPod | undefined {
    return this.#lastArrival;
  }

  get findings(): Guard["findings"] {
    return this.#guard?.findings ?? [];
  }

  /** Works until the signal aborts; the rules stay as they are then. */
  run(stop: AbortSignal): Promise<void> {
    const parts = [this.enforcer, this.#prover, this.#guard].filter((part) => part !== undefined);
    return together(
      stop,
      parts.map((part) => (until: AbortSignal) => part.run(until)),
    );
  }

  /** Keeps what is applied, until the signal aborts and the last of it is kept. */
  async keep(applied: AbortSignal): Promise<void> {
    await this.#keeper?.run(applied);
  }

  #arrived({ address, waitedMs }: Arrival): void {
    const { seat, clock, metrics, startOf } = this.#options;
    const { node } = seat;
    const at = clock.now();
    const start = startOf(address);
    const sinceStartMs = start === undefined ? null : Math.max(0, at - start);
    this.#lastArrival = { address, at, waitedMs: Math.round(waitedMs), sinceStartMs };
    metrics.observe("sluice_enforcer_pod_wait_seconds", { node }, waitedMs / 1000);
    if (sinceStartMs !== null) metrics.observe("sluice_enforcer_pod_start_seconds", { node }, sinceStartMs / 1000);
  }

  #newKeeper(): KeptFile {
    const { seat, config, clock, log } = this.#options;
    return new KeptFile({ folder: enforcerFolder(config.data.folder), node: seat.node, clock, log });
  }

  #newEnforcer(): Enforcer {
    const { seat, kernel, config, clock, log } = this.#options;
    const { node, namespacePath } = seat;
    return new Enforcer({
      node,
      nft: kernel.nft(namespacePath),
      interfaces: kernel.interfaces(namespacePath),
      clock,
      // It names the node itself.
      log: log.child({ part: "enforcer" }),
      settings: renderSettingsOf(config),
      onArrival: (arrival) => this.#arrived(arrival),
      random: Math.random,
      // Beside the guard, who is told of changes, a look is for what nobody tells.
      ...(kernel.tamper === undefined ? {} : { lookMs: 300_000 }),
      onRepair: (repair) => this.#guard?.repaired(repair),
      unheard: (work) => this.#guard?.unheard(work) ?? work(),
      ...(this.#keeper === undefined ? {} : { keeper: this.#keeper }),
      ...this.#newRevoker(),
    });
  }

  #newRevoker(): { readonly revoker?: Revoker } {
    const { seat, kernel, config, clock, log } = this.#options;
    const conntrack = kernel.conntrack?.(seat.namespacePath);
    if (!config.enforcer.revoke || conntrack === undefined) return {};
    const revoker = new Revoker({
      node: seat.node,
      nft: kernel.nft(seat.namespacePath),
      conntrack,
      clock,
      log: log.child({ part: "revoker" }),
      settings: renderSettingsOf(config),
    });
    return { revoker };
  }

  #newProver(): Prover {
    const { seat, proof, config, clock, log, onAlert } = this.#options;
    return new Prover({
      node: seat.node,
      proof: proof.in(seat.namespacePath),
      clock,
      log: log.child({ part: "enforcer" }),
      everyMs: config.enforcer.probeMs,
      // While break-glass is on there is nothing to prove.
      applied: () => this.enforcer.status.revision !== null,
      onChange: (status) => onAlert?.(proofText(seat.node, status)),
    });
  }

  #newGuard(): Guard | undefined {
    const { seat, kernel, config, clock, log, metrics, ipv6, onChange, onTamper } = this.#options;
    const { node, namespacePath } = seat;
    const { tamper } = kernel;
    if (tamper === undefined) return undefined;
    return new Guard({
      cluster: config.cluster.name,
      node,
      enforcer: this.enforcer,
      news: tamper.news(namespacePath),
      listing: tamper.listing(namespacePath),
      isOurChild: tamper.isOurChild,
      ipv6,
      clock,
      log: log.child({ part: "guard" }),
      onChange: (change) => {
        metrics.add("sluice_enforcer_tamperings_total", { node });
        onChange(change);
      },
      onNotice: onTamper,
      onGap: ({ from, to }) => metrics.add("sluice_enforcer_gap_seconds_total", { node }, (to - from) / 1000),
    });
  }
}
