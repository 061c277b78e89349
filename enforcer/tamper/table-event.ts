import { netfilterFamily } from "../../core/netlink/netfilter.ts";
import type { NftEvent, NftVerdict } from "../../core/netlink/nft-event.ts";
import { table } from "../text.ts";

/** A change within our table, by whomever. */
export type TableEvent = Exclude<NftEvent, { what: "generation" }>;

/** One transaction of somebody else that changed our table, or may have: then it has no events, and some are omitted. */
export interface Tampering {
  readonly events: readonly TableEvent[];
  /** Events beyond those, which were too many to tell. */
  readonly omitted: number;
}

const [familyName, tableName] = table.split(" ") as ["inet", string];

export function isInOurTable(event: TableEvent): boolean {
  return event.family === netfilterFamily[familyName] && event.table === tableName;
}

const verdicts: ReadonlyMap<number, string> = new Map([
  [0, "drop"],
  [1, "accept"],
  [-1, "continue"],
  [-3, "jump"],
  [-4, "goto"],
  [-5, "return"],
]);

/** As nft writes it: `jump class_0123`. */
export function verdictText({ code, chain }: NftVerdict): string {
  const word = verdicts.get(code) ?? `verdict ${code}`;
  return chain === null ? word : `${word} ${chain}`;
}
