// The policies of large-node.ts as the chains that policy engines made of them that translate one policy at a time: in the
// base chain one jump per policy and direction, which selects by the pod's address; in the policy's chain its rules; at the end of
// the base chain, selected pods are closed. Text for nft(8).

import {
  applicationOf,
  directionsOf,
  localPods,
  type NodeSize,
  openPort,
  pathPolicies,
  podAddress,
} from "./large-node.ts";

const rulesPerPolicy = 5;

export function kubeStyle({ pods, policies }: NodeSize): string {
  const all = Array.from({ length: policies }, (_, number) => number);
  const directions = ["egress", "ingress"] as const;
  return [
    "add table inet kube",
    ...Array.from({ length: localPods }, (_, application) => peerSet(application, pods)),
    ...directions.flatMap((direction) => {
      const own = all.filter((number) => directionsOf(number).includes(direction));
      return [...own.flatMap((number) => policyChain(number, direction)), ...baseChain(own, direction)];
    }),
  ].join("\n");
}

function peerSet(application: number, pods: number): string {
  const members = Array.from({ length: Math.floor(pods / localPods) }, (_, n) =>
    podAddress(application + n * localPods),
  );
  return `add set inet kube app_${application} { type ipv4_addr ; elements = { ${members.join(", ")} } ; }`;
}

type Direction = "egress" | "ingress";

function policyChain(number: number, direction: Direction): readonly string[] {
  const chain = `${direction}_${number}`;
  const peer = direction === "egress" ? "daddr" : "saddr";
  const rules = Array.from({ length: rulesPerPolicy }, (_, rule) => {
    const other = number < pathPolicies ? 1 - applicationOf(number) : (applicationOf(number) + rule) % localPods;
    const isLast = rule === rulesPerPolicy - 1;
    const port =
      number >= pathPolicies - 2 && number < pathPolicies && isLast
        ? openPort
        : 10_000 + ((7 * number + rule) % 20_000);
    return `add rule inet kube ${chain} ip ${peer} @app_${other} meta l4proto 17 th dport ${port} counter accept`;
  });
  return [`add chain inet kube ${chain}`, ...rules];
}

function baseChain(policies: readonly number[], direction: Direction): readonly string[] {
  const own = direction === "egress" ? "saddr" : "daddr";
  const priority = direction === "egress" ? 0 : 1;
  const add = (rule: string) => `add rule inet kube ${direction} ${rule}`;
  const selected = [...new Set(policies.map(applicationOf))].map(podAddress);
  return [
    `add chain inet kube ${direction} { type filter hook forward priority ${priority} ; policy accept ; }`,
    add("ct state established,related accept"),
    ...policies.map((number) => add(`ip ${own} ${podAddress(applicationOf(number))} jump ${direction}_${number}`)),
    `add set inet kube selected_${direction} { type ipv4_addr ; elements = { ${selected.join(", ")} } ; }`,
    add(`ip ${own} @selected_${direction} drop`),
  ];
}
