import type { Cidr } from "./address.ts";

/** Which end of an exchange: by address, or by names in which `*` and `?` stand for others. */
export type DnsEnd =
  | { readonly by: "address"; readonly cidr: Cidr }
  | { readonly by: "name"; readonly namespace: string | null; readonly name: string };

/** What to look for among records of DNS. All that is given must hold. */
export interface DnsQuery {
  /** Microseconds; `since` included, `until` not. */
  readonly since: number;
  readonly until: number;
  /** Only the newest so many. */
  readonly limit: number;
  /** The records of every node, not only the one of each exchange to count. */
  readonly allReports: boolean;
  /** What was asked for; `*` and `?` stand for others. */
  readonly name?: string;
  readonly type?: string;
  /** NOERROR, …; null: not answered. */
  readonly rcode?: string | null;
  readonly client?: DnsEnd;
  readonly server?: DnsEnd;
  readonly node?: string;
}
