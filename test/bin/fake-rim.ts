import type { Command } from "commander";
import type { Rim } from "../../bin/rim.ts";
import type { Store } from "../../bin/store.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { MemoryFlowStore } from "../support/flow-store-memory.ts";
import { FakeStream } from "../support/text-stream.ts";
import { sequenceRuns } from "./sequence-runs.ts";

/** What a data folder holds. */
export interface Held {
  flows: Flow[];
  heartbeats: Heartbeat[];
  losses: Loss[];
  endpoints: EndpointTenure[];
  changes: ChangeRecord[];
  dns: DnsRecord[];
  /** What `top` counts. */
  counts: string[];
}

/** The world of a command: a store of given records, output as text. */
export class FakeRim implements Rim {
  readonly clock = new FakeClock(1_700_000_060_000);
  readonly env: NodeJS.ProcessEnv = {};
  readonly stdout = new FakeStream();
  readonly notes: string[] = [];
  readonly stop = new AbortController();
  readonly held: Held = { flows: [], heartbeats: [], losses: [], endpoints: [], changes: [], dns: [], counts: [] };
  /** The queries for pairs, top values and DNS. */
  readonly asked: object[] = [];
  code = 0;
  isClosed = false;

  note(text: string): void {
    this.notes.push(text);
  }

  exit(code: number): void {
    this.code = code;
  }

  untilStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    return work(this.stop.signal);
  }

  openStore(): Promise<Store> {
    const { held, asked } = this;
    const flows = new MemoryFlowStore(() => held.flows);
    const store: Store = {
      search: (query, signal) => flows.search(query, signal),
      pairs: (query) => {
        asked.push(query);
        const pair = { source: "a/web", destination: "b/api", protocol: 6, port: 80, verdict: "deny" } as const;
        return Promise.resolve([{ ...pair, connections: 3, packets: 5, bytes: 1500 }]);
      },
      top: (query) => {
        asked.push(query);
        const values = held.counts.length === 0 ? ["security"] : held.counts;
        return Promise.resolve(values.map((value) => ({ value, connections: 7, bytes: 420 })));
      },
      heartbeats: () => Promise.resolve(held.heartbeats),
      losses: () => Promise.resolve(held.losses),
      dns: (query) => {
        asked.push(query);
        return Promise.resolve(held.dns);
      },
      changes: ({ since, until }) =>
        Promise.resolve(held.changes.filter(({ start }) => start >= since && start < until)),
      endpoints: () => Promise.resolve(held.endpoints),
      sequences: (span) => {
        const told = flows.matching({ ...span, filter: null, allReports: true });
        return Promise.resolve(sequenceRuns([...told, ...held.losses, ...held.heartbeats]));
      },
      close: () => {
        this.isClosed = true;
        return Promise.resolve();
      },
    };
    return Promise.resolve(store);
  }
}

/** Runs a command as its arguments on the command line would. */
export async function run(command: (rim: Rim) => Command, rim: FakeRim, ...args: readonly string[]): Promise<string> {
  const quiet = { writeErr: () => {}, writeOut: () => {} };
  await command(rim)
    .exitOverride()
    .configureOutput(quiet)
    .parseAsync([...args], { from: "user" });
  return rim.stdout.text;
}
