import type { Address } from "../address.ts";

/** Who had an address with which labels, from when to when. Fields as in endpoint.avsc; times in microseconds. */
export interface EndpointTenure {
  readonly cluster: string;
  readonly address: Address;
  readonly kind: "pod" | "node";
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string | null;
  readonly node: string | null;
  readonly workloadKind: string | null;
  readonly workload: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly start: number;
  /** Null: still. */
  readonly end: number | null;
  readonly toldAt: number;
}

/** A tenure without an end is told again within so many hours: who wants to know who had what need not read all that was told before. */
export const retellHours = 24;
