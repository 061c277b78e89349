import type { Address } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import type { Delivery, Source } from "../core/pipeline.ts";
import type { RawFlow } from "../core/records/flow.ts";

export interface HoldBackOptions {
  readonly clock: Clock;
  /** Addresses of the flow whose owner is not known yet but may be in a moment. Never addresses of the internet. */
  readonly awaited: (flow: RawFlow) => readonly Address[];
  /** How long after its window a record may be held back. */
  readonly limitMs?: number;
  /** How often to look again. */
  readonly intervalMs?: number;
  /** Told of each delivery that had to wait. */
  readonly onHeld?: (ms: number) => void;
}

/** How many addresses that stayed unknown are remembered. */
const vainKept = 4096;
/** Nobody waits for them again until they have not been met for so long. */
const vainMs = 60_000;
/** Of a connection older than this, at the end of its window, the pod is known by now or never will be. */
const freshUs = 60_000_000;

/**
 * Wraps a source so that records whose pod we have not heard of yet wait for it: the kernel sees the first packets of a new
 * pod before the API server tells us about it. A delivery is held back as a whole and those behind it wait, so order and
 * acknowledgement are the source's own, and what is held in memory is one delivery.
 *
 * A record waits until `limitMs` after the end of its window, by its own time: while one delivery waits, those behind it
 * grow old too, so many unknown addresses delay the stream by `limitMs` at most, not by that much each. An address that was
 * awaited in vain is not awaited again as long as it keeps coming, so that probes of a dead pod delay the stream once.
 */
export function holdBack(source: Source<RawFlow>, options: HoldBackOptions): Source<RawFlow> {
  const { clock, awaited, limitMs = 5000, intervalMs = 50, onHeld } = options;
  const vain = new VainAddresses(clock);
  return {
    name: source.name,
    async *open(signal) {
      for await (const delivery of source.open(signal)) {
        const from = clock.now();
        if (await known(delivery, signal)) onHeld?.(clock.now() - from);
        yield delivery;
      }
    },
  };

  /** Whether it had to wait. */
  async function known(delivery: Delivery<RawFlow>, signal: AbortSignal): Promise<boolean> {
    let waited = false;
    const arrived = clock.now();
    let waiting = delivery.items.filter((flow) => unknownOf(flow).length > 0);
    while (waiting.length > 0 && !signal.aborted) {
      const late = waiting.filter((flow) => deadlineOf(flow, arrived) <= clock.now());
      vain.add(late.flatMap(unknownOf));
      waiting = waiting.filter((flow) => unknownOf(flow).length > 0);
      if (waiting.length === 0) return waited;
      waited = true;
      await clock.sleep(intervalMs, signal);
      waiting = waiting.filter((flow) => unknownOf(flow).length > 0);
    }
    return waited;
  }

  function unknownOf(flow: RawFlow): readonly Address[] {
    if (flow.end - flow.startedAt > freshUs) return [];
    return awaited(flow).filter((address) => !vain.meets(address));
  }

  /** Milliseconds. A node whose clock runs ahead must not make us wait longer. */
  function deadlineOf(flow: RawFlow, arrived: number): number {
    return Math.min(flow.end / 1000, arrived) + limitMs;
  }
}

class VainAddresses {
  readonly #clock: Clock;
  /** Until when, oldest first. */
  readonly #until = new Map<Address, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is one; being met, it stays one for longer. */
  meets(address: Address): boolean {
    const vain = (this.#until.get(address) ?? 0) > this.#clock.now();
    if (vain) this.add([address]);
    return vain;
  }

  add(addresses: readonly Address[]): void {
    for (const address of addresses) {
      this.#until.delete(address);
      this.#until.set(address, this.#clock.now() + vainMs);
    }
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= vainKept) return;
      this.#until.delete(oldest);
    }
  }
}
