import type { Peer, Policy, Ports, Rule } from "../../policy/model.ts";
import { canonical } from "../../policy/selector/syntax.ts";

/** A policy in a few lines, what does not restrict left out: the head, whom it is about, then rule by rule. */
export function policyText(policy: Policy): readonly string[] {
  const { kind, namespace, name, tier, order, lists, staged } = policy;
  return [
    `${kind} ${namespace ?? "-"}/${name} in ${tier} at ${order}, ${lists.join("+")}${staged ? `, staged ${staged}` : ""}`,
    `about ${canonical(policy.selector)}`,
    ...(["ingress", "egress"] as const).flatMap((direction) => {
      const rules = policy[direction];
      if (rules === null) return [];
      return rules.length === 0 ? [`${direction}: none`] : rules.map((rule) => `${direction} ${ruleText(rule)}`);
    }),
  ];
}

function ruleText(rule: Rule): string {
  const { index, action, family, protocol, notProtocol, icmp, notIcmp, notEnforced } = rule;
  const parts = [
    `${index}: ${action}`,
    ...(family === null ? [] : [`IPv${family}`]),
    ...(protocol === null ? [] : [`protocol ${protocol}`]),
    ...(notProtocol === null ? [] : [`not protocol ${notProtocol}`]),
    ...(icmp === null ? [] : [`icmp ${icmp.type}/${icmp.code ?? "*"}`]),
    ...(notIcmp === null ? [] : [`not icmp ${notIcmp.type}/${notIcmp.code ?? "*"}`]),
    ...peerText("from", rule.source),
    ...peerText("to", rule.destination),
    ...(notEnforced.length === 0 ? [] : [`not enforced [${notEnforced.join("; ")}]`]),
  ];
  return parts.join(", ");
}

function peerText(word: string, peer: Peer): readonly string[] {
  const parts = [
    ...(peer.selector ? [canonical(peer.selector)] : []),
    ...(peer.notSelector ? [`not ${canonical(peer.notSelector)}`] : []),
    ...(peer.nodes ? [`nodes ${canonical(peer.nodes)}`] : []),
    ...(peer.service ? [`service ${peer.service.namespace}/${peer.service.name}`] : []),
    ...(peer.nets.length === 0 ? [] : [peer.nets.map(({ text }) => text).join(" ")]),
    ...(peer.notNets.length === 0 ? [] : [`not ${peer.notNets.map(({ text }) => text).join(" ")}`]),
    ...portsText("ports", peer.ports),
    ...portsText("not ports", peer.notPorts),
  ];
  return parts.length === 0 ? [] : [`${word} ${parts.join(" & ")}`];
}

function portsText(word: string, ports: Ports | null): readonly string[] {
  if (ports === null) return [];
  const ranges = ports.ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`));
  return [`${word} ${[...ranges, ...ports.names].join(" ")}`];
}
