import type { Clock } from "../../core/clock.ts";
import { withDeadline } from "./deadline.ts";
import type { Call, CallTotals, ProbeResult } from "./messages.ts";
import { defaultTimeoutMs, makeProbe } from "./probe.ts";
import { Stream } from "./stream.ts";

/** Calls that go on by themselves, each at its own rhythm. */
export class Calls {
  readonly #clock: Clock;
  readonly #running = new Map<string, RunningCall>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  start(call: Call): void {
    if (this.#running.has(call.name)) throw new Error(`call "${call.name}" is running already`);
    const running: RunningCall = { stop: new AbortController(), ended: Promise.resolve(), totals: zero(call.name) };
    running.ended = this.#repeat(call, running);
    this.#running.set(call.name, running);
  }

  /** What the running calls came to so far. */
  totals(): CallTotals[] {
    return [...this.#running.values()].map(({ totals }) => totals);
  }

  /** Stops the named calls, or all, waits for the probes under way and returns what they came to. */
  async stop(names: readonly string[] | null): Promise<CallTotals[]> {
    const chosen = [...this.#running].filter(([name]) => names === null || names.includes(name));
    for (const [name, { stop }] of chosen) {
      stop.abort();
      this.#running.delete(name);
    }
    await Promise.all(chosen.map(([, { ended }]) => ended));
    return chosen.map(([, { totals }]) => totals);
  }

  async #repeat(call: Call, running: RunningCall): Promise<void> {
    const { signal } = running.stop;
    const attempt = attemptOf(call, this.#clock);
    await this.#clock.sleep(call.afterMs ?? 0, signal);
    for (let made = 0; made < (call.count ?? Number.POSITIVE_INFINITY) && !signal.aborted; made++) {
      const started = this.#clock.monotonic();
      running.totals = added(running.totals, await attempt.make());
      await this.#clock.sleep(Math.max(0, started + call.everyMs - this.#clock.monotonic()), signal);
    }
    attempt.close();
  }
}

interface RunningCall {
  readonly stop: AbortController;
  ended: Promise<void>;
  totals: CallTotals;
}

/** How one repetition is made: by a connection of its own, or over one that stays open. */
interface Attempt {
  make(): Promise<ProbeResult>;
  close(): void;
}

function attemptOf({ probe, keepOpen }: Call, clock: Clock): Attempt {
  if (keepOpen !== true) return { make: () => makeProbe(probe, clock), close: () => {} };
  const stream = new Stream(probe);
  return {
    make: () => withDeadline(clock, probe.timeoutMs ?? defaultTimeoutMs, (expired) => stream.exchange(expired)),
    close: () => stream.close(),
  };
}

function added(totals: CallTotals, result: ProbeResult): CallTotals {
  return {
    name: totals.name,
    attempts: totals.attempts + 1,
    answered: totals.answered + (result.answered ? 1 : 0),
    sentBytes: totals.sentBytes + result.sentBytes,
    receivedBytes: totals.receivedBytes + result.receivedBytes,
    lastError: result.error ?? totals.lastError,
  };
}

const zero = (name: string): CallTotals => ({
  name,
  attempts: 0,
  answered: 0,
  sentBytes: 0,
  receivedBytes: 0,
  lastError: null,
});
