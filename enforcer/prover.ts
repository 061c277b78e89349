import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { judgeProbe, type ProbeResult } from "./probe.ts";
import type { Proof } from "./proof-kernel.ts";

export interface ProofStatus {
  /** `unknown`: no probe has been sent yet, or none can be; `detail` then says why. */
  readonly state: "unknown" | "enforcing" | "not-enforceable";
  /** Wall time of the last probe that said something, milliseconds. */
  readonly at: number | null;
  /** Since when it is in this state. */
  readonly since: number | null;
  readonly detail: readonly string[];
  /** Probes that said something, and those of them that found the node not enforceable. */
  readonly probes: number;
  readonly failures: number;
}

export interface ProverOptions {
  readonly node: string;
  readonly proof: Pick<Proof, "probe">;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  /** Whether there is a ruleset to be probed: not before the first was applied. */
  readonly applied: () => boolean;
  /** Told when the state changes; the first `enforcing` is none to speak of. */
  readonly onChange?: (status: ProofStatus) => void;
}

// What a probe found against the node, the next must find as well: somebody may just have been writing the rules.
const secondLookMs = 1_000;

/** Probes one node from time to time, and tells when it does not enforce. */
export class Prover {
  readonly #options: ProverOptions;
  #status: ProofStatus = { state: "unknown", at: null, since: null, detail: [], probes: 0, failures: 0 };

  constructor(options: ProverOptions) {
    this.#options = options;
  }

  get status(): ProofStatus {
    return this.#status;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs, applied } = this.#options;
    while (!signal.aborted) {
      if (applied()) await this.#prove(signal);
      await clock.sleep(applied() ? everyMs : secondLookMs, signal);
    }
  }

  async #prove(signal: AbortSignal): Promise<void> {
    const { proof, clock } = this.#options;
    try {
      const first = judgeProbe(await proof.probe());
      if (first.state === "enforcing") return this.#note(first);
      await clock.sleep(secondLookMs, signal);
      if (!signal.aborted) this.#note(judgeProbe(await proof.probe()));
    } catch (thrown) {
      this.#cannot(messageOf(thrown));
    }
  }

  #note({ state, faults, notes }: ProbeResult): void {
    if (state === "inconclusive") return;
    const before = this.#status;
    const at = this.#options.clock.now();
    this.#status = {
      state,
      at,
      since: state === before.state ? before.since : at,
      detail: [...faults, ...notes],
      probes: before.probes + 1,
      failures: before.failures + (state === "enforcing" ? 0 : 1),
    };
    if (state !== before.state) this.#changed(before.state);
  }

  #changed(before: ProofStatus["state"]): void {
    const { node, log, onChange } = this.#options;
    const { state, detail } = this.#status;
    if (state === "not-enforceable")
      log.error(
        { node, detail: detail.join("; ") },
        "this node does not enforce: a probe was not treated as the rules say",
      );
    else if (before === "not-enforceable") log.info({ node }, "this node enforces again");
    if (state !== "enforcing" || before === "not-enforceable") onChange?.(this.#status);
  }

  /** No probe can be sent, which says nothing against the node. */
  #cannot(reason: string): void {
    const { node, log } = this.#options;
    if (this.#status.detail[0] !== reason)
      log.warn({ node, error: reason }, "no probe can be sent, so nothing is proven");
    this.#status = { ...this.#status, state: "unknown", since: null, detail: [reason] };
  }
}
