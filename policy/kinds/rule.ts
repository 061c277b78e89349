import { z } from "zod";
import type { Family } from "../../core/address.ts";
import type { IcmpMatch, Rule } from "../model.ts";
import { isEmpty, peerOf } from "./entity.ts";
import { asAtomic, constrained } from "./openapi.ts";
import { type Direction, ruleConstraints, type Scope } from "./rule-constraints.ts";
import { type RuleSpec, ruleFields } from "./rule-fields.ts";

/** `ingress` or `egress` of a policy. */
export function rulesOfDirection(direction: Direction, scope: Scope) {
  return asAtomic(z.array(constrained(ruleFields, ruleConstraints(direction, scope))).max(1024));
}

const actions = { Allow: "allow", Deny: "deny", Pass: "pass", Log: "log" } as const;

/** `namespace` is that of the policy, null for a global one. */
export function ruleOf(spec: RuleSpec, index: number, namespace: string | null): Rule {
  return {
    index,
    action: actions[spec.action],
    family: spec.ipVersion ?? familyOfNotNets(spec),
    protocol: spec.protocol ?? null,
    notProtocol: spec.notProtocol ?? null,
    icmp: icmpOf(spec.icmp),
    notIcmp: icmpOf(spec.notICMP),
    source: peerOf(spec.source, namespace),
    destination: peerOf(spec.destination, namespace),
    notEnforced: [...(saysAnything(spec.http) ? ["http"] : []), ...(domainsOf(spec).length > 0 ? ["domains"] : [])],
  };
}

/** A rule that leaves out nets of one family is about that family only: "all but 10.0.0.0/8" does not mean all of IPv6. */
function familyOfNotNets({ source, destination }: RuleSpec): Family | null {
  return [...(source?.notNets ?? []), ...(destination?.notNets ?? [])][0]?.family ?? null;
}

function icmpOf(match: RuleSpec["icmp"]): IcmpMatch | null {
  if (match?.type === undefined) return null;
  return { type: match.type, ...(match.code === undefined ? {} : { code: match.code }) };
}

function domainsOf({ destination }: RuleSpec): readonly string[] {
  return destination?.domains ?? [];
}

/** An empty http match asks for nothing. */
function saysAnything(match: RuleSpec["http"]): boolean {
  return Object.values(match ?? {}).some((list) => !isEmpty(list));
}
