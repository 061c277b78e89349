import type { Sink } from "../core/pipeline.ts";
import type { ChangeRecord } from "../core/records/change.ts";
import type { DnsRecord } from "../core/records/dns.ts";
import type { EndpointTenure } from "../core/records/endpoint.ts";
import type { Flow } from "../core/records/flow.ts";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";
import type { ProgramRecord } from "../core/records/program.ts";
import type { Remembered } from "../enrichers/enrich.ts";

/** Where an engine keeps its records, and what an earlier one left there. */
export interface EngineStore {
  readonly flows: Sink<Flow>;
  readonly losses: Sink<Loss>;
  readonly heartbeats: Sink<Heartbeat>;
  readonly dns: Sink<DnsRecord>;
  readonly tenures: Sink<EndpointTenure>;
  readonly programs: Sink<ProgramRecord>;
  readonly changes: Sink<ChangeRecord>;
  readonly remembered: Remembered;
  /** The end is near: from now on nothing need be gathered, what waits can be stored at once. */
  hurry?(): void;
  /** After the last write. */
  close(): Promise<void>;
}

/** What a store tells while it works. */
export interface StoreEvents {
  /** A file of so many records was written. */
  readonly onFlush: (flush: { readonly kind: string; readonly rows: number; readonly ms: number }) => void;
}

export type OpenStore = (events: StoreEvents) => Promise<EngineStore>;

const nowhere = { name: "nowhere", write: () => Promise.resolve() };

/** Keeps nothing, remembers nothing. */
export const openNowhere: OpenStore = () =>
  Promise.resolve({
    flows: nowhere,
    losses: nowhere,
    heartbeats: nowhere,
    dns: nowhere,
    tenures: nowhere,
    programs: nowhere,
    changes: nowhere,
    remembered: { tenures: [], programs: [] },
    close: () => Promise.resolve(),
  });
