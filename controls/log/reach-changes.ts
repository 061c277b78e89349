import type { ReachChange, ReachEnd } from "../../core/records/change.ts";
import type { Party } from "../../policy/effect/party.ts";
import type { Effect } from "../../policy/effect.ts";

/** An effect as records tell it. */
export function reachChanges({ changes }: Effect): readonly ReachChange[] {
  return changes.map(({ kind, from, to, family, words }) => ({
    kind,
    from: reachEnd(from),
    to: reachEnd(to),
    family,
    connections: words,
  }));
}

function reachEnd({ words, pods, nodes, hosts, networks }: Party): ReachEnd {
  return {
    words,
    pods: pods.map((phrase) => phrase.words),
    nodes: bounded(nodes),
    hosts: bounded(hosts),
    networks: bounded(networks.items),
    allNetworksBut: networks.sense === "but",
  };
}

/** As many as somebody reads. */
const most = 50;

function bounded(items: readonly string[]): readonly string[] {
  return items.length <= most ? items : [...items.slice(0, most), `and ${items.length - most} more`];
}
