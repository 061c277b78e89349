import { netfilterFamily } from "../../core/netlink/netfilter.ts";
import type { NftEvent } from "../../core/netlink/nft-event.ts";
import { tableFamily, tableName } from "../text.ts";

/** A change within our table, by whomever. */
export type TableEvent = Exclude<NftEvent, { what: "generation" }>;

/** One transaction of somebody else that changed our table, or may have: then it has no events, and some are omitted. */
export interface Tampering {
  readonly events: readonly TableEvent[];
  /** Events beyond those, which were too many to tell. */
  readonly omitted: number;
}

export function isInOurTable(event: { readonly family: number; readonly table: string }): boolean {
  return event.family === netfilterFamily[tableFamily] && event.table === tableName;
}
