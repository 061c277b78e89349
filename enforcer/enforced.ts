import type { Address, Cidr } from "../core/address.ts";
import type { Situation } from "../policy/space/situation.ts";
import type { BaseSettings } from "./base-chains.ts";
import type { Links } from "./interfaces.ts";

/** What a node enforces. */
export interface Enforced extends Situation {
  readonly podCidrs: readonly Cidr[];
  readonly links: Pick<Links, "own">;
}

/** The node that judges, and how its ruleset is made. */
export interface Seat extends Pick<BaseSettings, "unknownEndpoints"> {
  readonly node: string;
  readonly localAddresses: ReadonlySet<Address>;
}
