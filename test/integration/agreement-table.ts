import type { WorldBuilder } from "../support/world.ts";

/** Policies, and what becomes of new connections under them. */
export interface Scene {
  readonly title: string;
  readonly given: (world: WorldBuilder) => WorldBuilder;
  /** `FROM -> TO PROTOCOL/PORT allow|deny`; see host-lab.ts for the names and `tcp6` for IPv6. */
  readonly rows: readonly string[];
}

const allow = { action: "Allow" };
const deny = { action: "Deny" };
const pass = { action: "Pass" };
const to = (protocol: string, ...ports: readonly (number | string)[]) => ({ protocol, destination: { ports } });

/**
 * Every way in which a packet can come to a pod's policies: from the same node and from another, through a Service, from and to
 * the node itself, from outside and to it, and in a hairpin; both families.
 */
export const scenes: readonly Scene[] = [
  {
    title: "without policies",
    given: (world) => world,
    rows: [
      "a/web -> a/api tcp/8080 allow",
      "a/web -> a/db tcp/8080 allow",
      "a/web -> a/db tcp6/8080 allow",
      "a/web -> a/db udp/5353 allow",
      "a/web -> a/db icmp/8 allow",
      "a/web -> a/db icmp6/128 allow",
      "a/web -> node:node-1 tcp/9100 allow",
      "a/web -> node:node-2 tcp/9100 allow",
      "a/web -> external:out tcp/443 allow",
      "node:node-1 -> a/web tcp/8080 allow",
      "node:node-2 -> a/web tcp/8080 allow",
      "external:out -> a/web tcp/8080 allow",
      "a/web -> service:a/api tcp/80 allow",
      "a/web -> service:a/db tcp6/80 allow",
    ],
  },
  {
    title: "ingress of one pod closed but for one application",
    given: (world) =>
      world.policy("a/db", {
        selector: "app == 'db'",
        ingress: [{ ...allow, ...to("TCP", 8080), source: { selector: "app == 'api'" } }],
      }),
    rows: [
      "a/api -> a/db tcp/8080 allow",
      "a/api -> a/db tcp6/8080 allow",
      "a/api -> service:a/db tcp/80 allow",
      "a/api -> service:a/db tcp6/80 allow",
      "a/api -> a/db tcp/8081 deny",
      "a/api -> a/db udp/5353 deny",
      "a/api -> a/db icmp/8 deny",
      "a/web -> a/db tcp/8080 deny",
      "a/web -> a/db tcp6/8080 deny",
      "a/web -> service:a/db tcp/80 deny",
      "b/api -> a/db tcp/8080 deny",
      "external:out -> a/db tcp/8080 deny",
      "node:node-1 -> a/db tcp/8080 deny",
      "node:node-2 -> a/db tcp/8080 allow",
      "a/db -> a/web tcp/8080 allow",
    ],
  },
  {
    title: "egress of one pod closed but for one port, on its own node and elsewhere",
    given: (world) =>
      world.policy("a/web", {
        selector: "app == 'web'",
        types: ["Egress"],
        egress: [{ ...allow, ...to("TCP", 8080) }],
      }),
    rows: [
      "a/web -> a/api tcp/8080 allow",
      "a/web -> a/api tcp/8081 deny",
      "a/web -> a/db tcp6/8080 allow",
      "a/web -> a/db tcp6/8081 deny",
      "a/web -> a/db udp/5353 deny",
      "a/web -> service:a/api tcp/80 allow",
      "a/web -> node:node-1 tcp/9100 deny",
      "a/web -> node:node-2 tcp/9100 deny",
      "a/web -> node:node-1 tcp6/9100 deny",
      "a/web -> external:out tcp/443 deny",
      "a/web -> service:a/web tcp/80 allow",
      "a/api -> a/web tcp/8081 allow",
    ],
  },
  {
    title: "a pod closed on both sides still reaches itself and is reached by its node",
    given: (world) => world.policy("a/web", { selector: "app == 'web'", types: ["Ingress", "Egress"] }),
    rows: [
      "a/web -> service:a/web tcp/80 allow",
      "a/web -> service:a/web tcp6/80 allow",
      "a/web -> a/web tcp/8080 allow",
      "node:node-1 -> a/web tcp/8080 allow",
      "node:node-1 -> a/web tcp6/8080 allow",
      "node:node-2 -> a/web tcp/8080 deny",
      "a/web -> a/api tcp/8080 deny",
      "a/api -> a/web tcp/8080 deny",
      "a/db -> a/web tcp6/8080 deny",
    ],
  },
  {
    title: "tiers: an early tier passes some on and denies others",
    given: (world) =>
      world
        .tier("early", 10, "Pass")
        .tier("late", 20)
        .global("early.guard", {
          tier: "early",
          selector: "app == 'api'",
          ingress: [
            { ...deny, source: { namespaceSelector: "env == 'dev'" } },
            { ...pass, source: { selector: "app == 'web'" } },
            { ...allow, source: { selector: "app == 'db'" } },
          ],
        })
        .global("late.api", { tier: "late", selector: "app == 'api'", ingress: [{ ...allow, ...to("TCP", 8080) }] }),
    rows: [
      "a/web -> a/api tcp/8080 allow",
      "a/web -> a/api tcp/8081 deny",
      "a/db -> a/api tcp/8081 allow",
      "a/db -> a/api udp/5353 allow",
      "b/web -> a/api tcp/8080 deny",
      "b/web -> a/api tcp6/8080 deny",
      "external:out -> a/api tcp/8080 allow",
      "external:out -> a/api tcp/8081 deny",
      "a/web -> a/db tcp/8081 allow",
    ],
  },
  {
    title: "nets, exceptions, negated selectors and ports",
    given: (world) =>
      world.global("nets", {
        selector: "app == 'db'",
        ingress: [
          {
            ...deny,
            protocol: "TCP",
            source: { notSelector: "app in {'web', 'api'}" },
            destination: { notPorts: [8080] },
          },
          { ...allow, source: { nets: ["203.0.113.0/24"], notNets: ["203.0.113.64/26"] } },
          { ...allow, source: { nets: ["2001:db8:113::/48"] } },
          { ...allow, source: { selector: "app == 'web'", notSelector: "env == 'dev'" } },
        ],
      }),
    rows: [
      "external:out -> a/db tcp/8080 allow",
      "external:out -> a/db tcp6/8080 allow",
      "external:out -> a/db tcp/8081 deny",
      "external:far -> a/db tcp/8080 deny",
      "external:far -> a/db icmp/8 deny",
      "external:out -> a/db icmp/8 allow",
      "a/web -> a/db tcp/8081 allow",
      "b/web -> a/db tcp/8080 allow",
      "a/api -> a/db tcp/8080 deny",
    ],
  },
  {
    title: "Kubernetes policies: namespaces, ipBlock, endPort and named ports",
    given: (world) =>
      world.kubernetesPolicy("a/api", {
        podSelector: { matchLabels: { app: "api" } },
        ingress: [
          { from: [{ namespaceSelector: { matchLabels: { env: "dev" } } }], ports: [{ port: "http" }] },
          {
            from: [{ ipBlock: { cidr: "203.0.113.0/24", except: ["203.0.113.64/26"] } }],
            ports: [{ port: 8080, endPort: 8081 }],
          },
          {
            from: [{ podSelector: { matchExpressions: [{ key: "app", operator: "NotIn", values: ["db"] }] } }],
            ports: [{ protocol: "UDP", port: 5353 }],
          },
        ],
      }),
    rows: [
      "b/web -> a/api tcp/8080 allow",
      "b/web -> a/api tcp6/8080 allow",
      "b/web -> a/api tcp/8081 deny",
      "a/web -> a/api tcp/8080 deny",
      "external:out -> a/api tcp/8081 allow",
      "external:out -> a/api tcp6/8080 deny",
      "external:far -> a/api tcp/8080 deny",
      "a/web -> a/api udp/5353 allow",
      "a/db -> a/api udp/5353 deny",
      "a/web -> service:a/api tcp/80 deny",
      "b/web -> service:a/api tcp/80 allow",
    ],
  },
  {
    title: "ICMP by type, protocols by negation",
    given: (world) =>
      world.global("icmp", {
        selector: "app == 'db'",
        ingress: [
          { ...allow, protocol: "ICMP", icmp: { type: 8 } },
          { ...deny, protocol: "ICMPv6", icmp: { type: 128 } },
          { ...allow, notProtocol: "UDP" },
        ],
      }),
    rows: [
      "a/web -> a/db icmp/8 allow",
      "a/web -> a/db icmp6/128 deny",
      "a/api -> a/db tcp/8080 allow",
      "a/api -> a/db udp/5353 deny",
      "a/api -> a/db udp6/5353 deny",
    ],
  },
  {
    title: "both ends on one node, each with its own say",
    given: (world) =>
      world
        .policy("a/web", {
          selector: "app == 'web'",
          types: ["Egress"],
          egress: [{ ...allow, ...to("TCP", 8080, 8081) }],
        })
        .policy("a/api", {
          selector: "app == 'api'",
          ingress: [
            { ...allow, ...to("TCP", 8081) },
            { ...allow, ...to("UDP", 5353) },
          ],
        }),
    rows: [
      "a/web -> a/api tcp/8081 allow",
      "a/web -> a/api tcp6/8081 allow",
      "a/web -> a/api tcp/8080 deny",
      "a/web -> a/api udp/5353 deny",
      "b/web -> a/api udp/5353 allow",
      "b/web -> a/api tcp/8080 deny",
    ],
  },
];
