import { anyone, type Rule } from "../model.ts";

/** A rule that allows everything, to be narrowed. */
export const allowRule: Omit<Rule, "index"> = {
  action: "allow",
  family: null,
  protocol: null,
  notProtocol: null,
  icmp: null,
  notIcmp: null,
  source: anyone,
  destination: anyone,
  notEnforced: [],
};
