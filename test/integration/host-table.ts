import type { RenderSettings } from "../../enforcer/renderer.ts";
import type { WorldBuilder } from "../support/world.ts";

/** Host endpoints and policies, and what becomes of new connections under them; see host-row.ts for the rows. */
export interface HostScene {
  readonly title: string;
  readonly given: (world: WorldBuilder, link: (pod: string) => string) => WorldBuilder;
  readonly settings?: Partial<RenderSettings>;
  readonly rows: readonly string[];
  /** Each packet is decided by itself, so that counters count more than connections. */
  readonly untracked?: boolean;
}

const allow = { action: "Allow" };
const deny = { action: "Deny" };
const tcp = (...ports: readonly number[]) => ({ protocol: "TCP", destination: { ports } });
const udp = (...ports: readonly number[]) => ({ protocol: "UDP", destination: { ports } });
const tcpFrom = (...ports: readonly number[]) => ({ protocol: "TCP", source: { ports } });
const outside = ["203.0.113.0/24"];
const serviceNets = ["10.91.0.0/24"];
const open = { profiles: ["projectcalico-default-allow"] };
const hosts = { selector: "role == 'host'" };
const forward = { ...hosts, applyOnForward: true };
const preDnat = { ...forward, preDNAT: true };
const untracked = { ...forward, doNotTrack: true };
const label = { role: "host" };

/** All interfaces of node-1. */
const all = (world: WorldBuilder, more: object = {}) =>
  world.host("all", { node: "node-1", interfaceName: "*", ...more }, label);
const eth0 = (world: WorldBuilder, more: object = {}) =>
  world.host("eth0", { node: "node-1", interfaceName: "eth0", ...more }, label);

const normal: readonly HostScene[] = [
  {
    title: "normal: without policy or profile a host is closed, but for failsafe ports and its own pods",
    given: (world) => all(world),
    rows: [
      "external:out -> node:node-1 tcp/9100 deny",
      "external:out -> node:node-1 tcp6/9100 deny",
      "external:out -> node:node-1 udp/9100 deny",
      "external:out -> node:node-1 icmp/8 deny",
      "external:out -> node:node-1 icmp6/128 deny",
      "side:host -> node:node-1 tcp/9100 deny",
      "node:node-2 -> node:node-1 tcp/9100 deny",
      "a/web -> node:node-1 tcp/9100 deny",
      "a/web -> node:node-1 icmp6/128 deny",
      "a/db -> node:node-1 tcp/9100 deny",
      "external:out -> node:node-1 tcp/6443 allow",
      "external:out -> node:node-1 tcp6/6443 allow",
      "a/web -> node:node-1 tcp/6443 allow",
      "node:node-1 -> external:out tcp/443 deny",
      "node:node-1 -> external:out tcp6/443 deny",
      "node:node-1 -> external:out udp/443 deny",
      "node:node-1 -> external:out icmp/8 deny",
      "node:node-1 -> side:host tcp/443 deny",
      "node:node-1 -> external:out tcp/6443 allow",
      "node:node-1 -> external:out udp/53 allow",
      "node:node-1 -> external:out udp6/53 allow",
      "node:node-1 -> a/web tcp/8080 allow",
      "node:node-1 -> a/web tcp6/8080 allow",
      "node:node-1 -> a/web icmp/8 allow",
      "node:node-1 -> service:a/web tcp/80 allow",
      "node:node-1 -> a/db tcp/8080 deny",
      "node:node-1 -> service:a/db tcp/80 deny",
      "external:out -> node:node-2 tcp/9100 allow",
      "node:node-2 -> external:out tcp/443 allow",
    ],
  },
  {
    title: "normal: what is forwarded is not asked about, whatever the normal list says",
    given: (world) => all(world).global("closed", { ...hosts, types: ["Ingress", "Egress"] }),
    rows: [
      "a/web -> a/db tcp/8080 allow",
      "a/web -> a/api tcp6/8080 allow",
      "a/web -> external:out tcp/443 allow",
      "a/web -> service:a/db tcp/80 allow",
      "external:out -> a/web tcp/8080 allow",
      "external:out -> side:host tcp/443 allow",
      "side:host -> a/db tcp6/8080 allow",
    ],
  },
  {
    title: "normal: with a profile, what no policy decides is allowed",
    given: (world) => all(world, open),
    rows: [
      "external:out -> node:node-1 tcp/9100 allow",
      "external:out -> node:node-1 icmp6/128 allow",
      "a/web -> node:node-1 udp6/9100 allow",
      "node:node-1 -> external:out udp/443 allow",
    ],
  },
  {
    title: "normal: policies of one interface, in and out",
    given: (world) =>
      eth0(world).global("some", {
        ...hosts,
        types: ["Ingress", "Egress"],
        ingress: [
          { ...allow, ...tcp(9100), source: { nets: outside } },
          { ...allow, protocol: "ICMPv6" },
        ],
        egress: [
          { ...allow, ...tcp(443) },
          {
            ...allow,
            protocol: "TCP",
            destination: { selector: "app == 'db'", namespaceSelector: "all()", ports: [8080] },
          },
        ],
      }),
    rows: [
      "external:out -> node:node-1 tcp/9100 allow",
      "external:out -> node:node-1 tcp6/9100 deny",
      "external:out -> node:node-1 tcp/9101 deny",
      "external:out -> node:node-1 icmp/8 deny",
      "external:out -> node:node-1 icmp6/128 allow",
      "node:node-2 -> node:node-1 tcp/9100 deny",
      "side:host -> node:node-1 tcp/9101 allow",
      "a/web -> node:node-1 tcp/9101 allow",
      "a/db -> node:node-1 tcp/9101 deny",
      "node:node-1 -> external:out tcp6/443 allow",
      "node:node-1 -> external:out udp/443 deny",
      "node:node-1 -> side:host udp/443 allow",
      "node:node-1 -> a/db tcp/8080 allow",
      "node:node-1 -> a/db tcp/8081 deny",
      // After translation: the real destination decides, not the Service's address.
      "node:node-1 -> service:a/db tcp/80 allow",
      "node:node-1 -> service:a/db tcp6/80 allow",
      "node:node-1 -> service:a/api tcp/80 allow",
    ],
  },
  {
    title: "normal: a host process that calls a Service of another node's pod is judged by the pod",
    given: (world) =>
      eth0(world, open).global("not-db", {
        ...hosts,
        egress: [{ ...deny, destination: { selector: "app == 'db'", namespaceSelector: "all()" } }, allow],
      }),
    rows: [
      "node:node-1 -> service:a/db tcp/80 deny",
      "node:node-1 -> service:a/db tcp6/80 deny",
      "node:node-1 -> b/web tcp/8080 allow",
    ],
  },
];

const interfaces: readonly HostScene[] = [
  {
    title: "expectedIPs alone mean the interface that has one of them",
    given: (world) => world.host("edge", { node: "node-1", expectedIPs: ["198.18.0.1"] }, label),
    rows: [
      "side:host -> edge tcp/9100 deny",
      "side:host -> edge tcp/6443 allow",
      "external:out -> node:node-1 tcp/9100 allow",
      "a/web -> node:node-1 tcp/9100 allow",
      "node:node-1 -> external:out tcp/443 allow",
      "side:host -> edge tcp6/9100 deny",
      "side:host -> node:node-1 tcp/9100 deny",
      "external:out -> edge tcp/9100 allow",
    ],
  },
  {
    title: "an interface that is named belongs to that endpoint, others to the one of all interfaces",
    given: (world) => eth0(all(world), open),
    rows: [
      "external:out -> node:node-1 tcp/9100 allow",
      "node:node-1 -> external:out tcp/443 allow",
      "side:host -> node:node-1 tcp/9100 deny",
      "node:node-1 -> side:host tcp/443 deny",
      "a/web -> node:node-1 tcp/9100 deny",
    ],
  },
  {
    title: "one that is named asks nothing where it has no policy, although the one of all interfaces does",
    given: (world) =>
      eth0(all(world, open), open)
        .global("no-8081", {
          ...forward,
          selector: "which == 'all'",
          ingress: [{ ...deny, ...tcp(8081) }, allow],
        })
        .host("all", { node: "node-1", interfaceName: "*", ...open }, { which: "all" }),
    rows: [
      "external:out -> a/web tcp/8081 allow",
      "side:host -> a/web tcp/8081 deny",
      "side:host -> a/web tcp/8080 allow",
      "a/web -> a/db tcp/8081 deny",
      "a/web -> a/db tcp6/8080 allow",
    ],
  },
  {
    title: "the interface of a pod can be named",
    given: (world, link) => all(world).host("web", { node: "node-1", interfaceName: link("a/web"), ...open }, label),
    rows: [
      "a/web -> node:node-1 tcp/9100 allow",
      "a/api -> node:node-1 tcp/9100 deny",
      "node:node-1 -> a/web tcp/8080 allow",
      "node:node-1 -> a/api tcp/8080 allow",
    ],
  },
];

const forwarded: readonly HostScene[] = [
  {
    title: "applyOnForward, ingress: denied is what no policy decides, at failsafe ports too",
    given: (world) => all(world, open).global("in", { ...forward, ingress: [{ ...allow, ...tcp(8080) }] }),
    rows: [
      "external:out -> a/web tcp/8080 allow",
      "external:out -> a/web tcp6/8080 allow",
      "external:out -> a/web tcp/8081 deny",
      "external:out -> a/web icmp/8 deny",
      "external:out -> service:a/web tcp/80 allow",
      "external:out -> side:host tcp/443 deny",
      "external:out -> side:host tcp/6443 deny",
      "a/web -> a/api tcp/8080 allow",
      "a/web -> a/api udp/5353 deny",
      "a/web -> a/db tcp6/8081 deny",
      "a/web -> service:a/db tcp/80 allow",
      "a/db -> a/web udp6/5353 deny",
      "a/db -> a/web tcp/8080 allow",
      // The policy is in the normal list as well, which denies by default at the end of the tier.
      "external:out -> node:node-1 tcp/9100 deny",
      "external:out -> node:node-1 tcp/6443 allow",
      "node:node-1 -> a/web udp/5353 allow",
      "node:node-1 -> external:out tcp/443 allow",
    ],
  },
  {
    title: "applyOnForward, egress of one interface",
    given: (world) => eth0(world, open).global("out", { ...forward, egress: [{ ...allow, ...tcp(8080) }] }),
    rows: [
      "a/web -> a/db tcp/8080 allow",
      "a/web -> a/db tcp6/8081 deny",
      "a/web -> service:a/db tcp/80 allow",
      "a/web -> external:out tcp/443 deny",
      "a/web -> external:out tcp/6443 deny",
      "a/web -> a/api tcp/8081 allow",
      "a/web -> side:host tcp/443 allow",
      "side:host -> a/db tcp/8080 allow",
      "side:host -> a/db udp/5353 deny",
      "side:host -> external:out udp6/443 deny",
      "external:out -> a/web tcp/8081 allow",
      "external:out -> side:host tcp/443 allow",
      "node:node-1 -> external:out tcp/443 deny",
      "node:node-1 -> external:out tcp/6443 allow",
    ],
  },
  {
    title: "applyOnForward, both directions: in where it comes in and out where it goes out",
    given: (world) =>
      eth0(world, open)
        .host("eth1", { node: "node-1", interfaceName: "eth1", ...open }, { role: "side" })
        .global("in", { ...forward, ingress: [{ ...allow, protocol: "TCP" }] })
        .global("out", {
          ...forward,
          selector: "role == 'side'",
          egress: [
            { ...allow, ...tcp(443) },
            { ...allow, protocol: "ICMP" },
          ],
        }),
    rows: [
      "external:out -> side:host tcp/443 allow",
      "external:out -> side:host tcp6/443 allow",
      "external:out -> side:host tcp/6443 deny",
      "external:out -> side:host udp/443 deny",
      "external:out -> side:host icmp/8 deny",
      "side:host -> external:out udp/443 allow",
      "a/web -> side:host udp/443 deny",
      "a/web -> side:host icmp/8 allow",
      "a/web -> external:out udp/443 allow",
      "external:out -> a/web tcp/8081 allow",
      "external:out -> a/web udp/5353 deny",
    ],
  },
  {
    title: "a pod's own policies are asked beside",
    given: (world) =>
      all(world, open)
        .global("in", { ...forward, ingress: [{ ...allow, protocol: "TCP" }] })
        .policy("a/web", {
          selector: "app == 'web'",
          ingress: [
            { ...allow, ...tcp(8080) },
            { ...allow, protocol: "UDP" },
          ],
        }),
    rows: [
      "external:out -> a/web tcp/8080 allow",
      "external:out -> a/web tcp/8081 deny",
      "external:out -> a/web udp/5353 deny",
      "a/api -> a/web tcp6/8080 allow",
      "a/api -> a/web udp/5353 deny",
      "node:node-1 -> a/web tcp/8081 allow",
    ],
  },
  {
    title: "a pod that reaches itself by its Service is not asked about",
    given: (world) => all(world, open).global("none", { ...forward, types: ["Ingress", "Egress"] }),
    rows: [
      "a/web -> service:a/web tcp/80 allow",
      "a/web -> service:a/web tcp6/80 allow",
      "a/api -> service:a/web tcp/80 deny",
    ],
  },
];

const beforeTranslation: readonly HostScene[] = [
  {
    title: "preDNAT: one that allows has the last word, what it does not decide the normal list does",
    given: (world) =>
      all(world).global("pre", {
        ...preDnat,
        ingress: [
          { ...allow, ...tcp(9101) },
          { ...deny, ...tcp(6443), source: { nets: ["198.18.0.0/30"] } },
        ],
      }),
    rows: [
      "external:out -> node:node-1 tcp/9101 allow",
      "external:out -> node:node-1 tcp6/9101 allow",
      "external:out -> node:node-1 tcp/9100 deny",
      "external:out -> node:node-1 tcp/6443 allow",
      // Failsafe ports come first.
      "side:host -> node:node-1 tcp/6443 allow",
      "a/web -> node:node-1 tcp/9101 allow",
      "node:node-1 -> external:out tcp/443 deny",
    ],
  },
  {
    title: "preDNAT: denies to a process although a profile allows, and never what the host itself sends",
    given: (world) => all(world, open).global("pre", { ...preDnat, ingress: [deny] }),
    rows: [
      "external:out -> node:node-1 tcp/9100 deny",
      "external:out -> node:node-1 icmp6/128 deny",
      "external:out -> node:node-1 tcp/6443 allow",
      "external:out -> a/web tcp/8080 deny",
      "external:out -> side:host tcp/6443 deny",
      "node:node-1 -> external:out tcp/443 allow",
      "node:node-1 -> external:out udp6/53 allow",
      "node:node-1 -> a/web tcp/8080 allow",
    ],
  },
  {
    title: "preDNAT: sees the Service's address, before it is translated to a pod's",
    given: (world) =>
      eth0(world, open).global("pre", {
        ...preDnat,
        ingress: [{ ...deny, destination: { nets: serviceNets } }],
      }),
    rows: [
      "external:out -> service:a/web tcp/80 deny",
      "external:out -> service:a/web tcp6/80 allow",
      "external:out -> a/web tcp/8080 allow",
      "a/api -> service:a/web tcp/80 allow",
      "a/web -> service:a/db tcp/80 allow",
    ],
  },
  {
    title: "preDNAT: what it allows the forward list is not asked about, where the packet comes in",
    given: (world) =>
      all(world, open)
        .global("pre", {
          ...preDnat,
          ingress: [{ ...allow, protocol: "TCP", destination: { nets: serviceNets, ports: [80] } }],
        })
        .global("in", { ...forward, order: 10, types: ["Ingress"] }),
    rows: [
      "external:out -> service:a/web tcp/80 allow",
      "external:out -> service:a/web tcp6/80 deny",
      "external:out -> a/web tcp/8080 deny",
      "a/api -> service:a/db tcp/80 allow",
      "a/api -> a/db tcp/8080 deny",
    ],
  },
  {
    title: "preDNAT: what it allows may still be denied where it goes out",
    given: (world) =>
      all(world, open)
        .global("pre", { ...preDnat, ingress: [{ ...allow, protocol: "TCP" }] })
        .global("out", { ...forward, egress: [{ ...deny, ...tcp(8081) }, allow] }),
    rows: ["external:out -> a/web tcp/8081 deny", "external:out -> a/web tcp/8080 allow"],
  },
  {
    title: "preDNAT: a pod that calls itself by its Service is not known to do so yet",
    given: (world) =>
      all(world, open).global("pre", { ...preDnat, ingress: [{ ...deny, destination: { nets: serviceNets } }] }),
    rows: ["a/web -> a/api tcp/8080 allow", "a/web -> service:a/web tcp/80 deny"],
  },
];

const withoutTracking: readonly HostScene[] = [
  {
    title: "doNotTrack: allowed in both directions, a closed host answers",
    untracked: true,
    given: (world) =>
      eth0(world).global("raw", {
        ...untracked,
        ingress: [
          { ...allow, ...tcp(9100) },
          { ...allow, ...udp(9100) },
          { ...allow, ...tcpFrom(443) },
        ],
        egress: [
          { ...allow, ...tcpFrom(9100) },
          { ...allow, protocol: "UDP", source: { ports: [9100] } },
          { ...allow, ...tcp(443) },
        ],
      }),
    rows: [
      "external:out -> node:node-1 tcp/9100 allow",
      "external:out -> node:node-1 tcp6/9100 allow",
      "external:out -> node:node-1 udp/9100 allow",
      "external:out -> node:node-1 tcp/9101 deny",
      "node:node-1 -> external:out tcp/443 allow",
      "node:node-1 -> external:out tcp6/443 allow",
      "node:node-1 -> external:out udp/443 deny",
      "side:host -> node:node-1 tcp/9101 allow",
    ],
  },
  {
    title: "doNotTrack: answers need a rule of their own",
    untracked: true,
    given: (world) =>
      eth0(world, open).global("raw", {
        ...untracked,
        ingress: [{ ...allow, ...tcp(9100) }],
        egress: [{ ...allow, ...tcp(443) }],
      }),
    rows: [
      "external:out -> node:node-1 tcp/9100 unanswered",
      "external:out -> node:node-1 tcp6/9100 unanswered",
      "node:node-1 -> external:out tcp/443 unanswered",
      "external:out -> node:node-1 tcp/9101 allow",
    ],
  },
  {
    title: "doNotTrack: what it denies nobody else is asked about, but failsafe ports are open both ways",
    untracked: true,
    given: (world) => eth0(world, open).global("raw", { ...untracked, ingress: [deny], egress: [deny] }),
    rows: [
      "external:out -> node:node-1 tcp/9100 deny",
      "external:out -> node:node-1 icmp6/128 deny",
      "node:node-1 -> external:out tcp/443 deny",
      "external:out -> node:node-1 tcp/6443 allow",
      "external:out -> node:node-1 tcp6/6443 allow",
      "node:node-1 -> external:out udp/53 allow",
      "node:node-1 -> external:out udp6/53 allow",
      "node:node-1 -> external:out tcp/6443 allow",
      "node:node-1 -> a/web tcp/8080 allow",
      "external:out -> side:host tcp/443 deny",
      "external:out -> a/web tcp/8080 allow",
      "a/web -> a/db tcp/8080 allow",
      "side:host -> node:node-1 tcp/9100 allow",
    ],
  },
  {
    title: "doNotTrack: the endpoint of all interfaces has no such list",
    given: (world) => all(world, open).global("raw", { ...untracked, ingress: [deny], egress: [deny] }),
    rows: ["external:out -> node:node-1 tcp/9100 allow", "node:node-1 -> external:out tcp/443 allow"],
  },
  {
    title: "doNotTrack: what it does not decide the others do, with tracking",
    untracked: true,
    given: (world) =>
      eth0(world)
        .global("raw", { ...untracked, ingress: [{ ...deny, ...udp(9100) }] })
        .global("normal", {
          ...hosts,
          ingress: [
            { ...allow, ...tcp(9100) },
            { ...allow, ...udp(9100) },
          ],
        }),
    rows: [
      "external:out -> node:node-1 tcp/9100 allow",
      "external:out -> node:node-1 udp/9100 deny",
      "external:out -> node:node-1 tcp/9101 deny",
    ],
  },
];

const toOwnNode: readonly HostScene[] = [
  {
    title: "podToHost allow: a pod reaches its own node, whatever host endpoints say",
    given: (world) => all(world.settings({ podToHost: "allow" })),
    rows: [
      "external:out -> node:node-1 tcp/9100 deny",
      "a/db -> node:node-1 tcp/9100 deny",
      "a/web -> node:node-1 tcp/9100 allow",
      "a/web -> node:node-1 tcp6/9100 allow",
      "a/web -> node:node-1 icmp/8 allow",
    ],
  },
  {
    title: "podToHost deny: a pod does not reach its own node, also without host endpoints",
    given: (world) => world.settings({ podToHost: "deny" }),
    rows: [
      "external:out -> node:node-1 tcp/9100 allow",
      "a/web -> node:node-2 tcp/9100 allow",
      "a/web -> a/api tcp/8080 allow",
      "node:node-1 -> a/web tcp/8080 allow",
      "a/web -> node:node-1 tcp/9100 deny",
      "a/web -> node:node-1 udp6/9100 deny",
      "a/web -> node:node-1 tcp/6443 deny",
      "a/db -> node:node-2 icmp6/128 deny",
    ],
  },
];

const toOwnNodeBeside: readonly HostScene[] = [
  {
    title: "podToHost deny: what preDNAT denies it does not see, and what preDNAT allows it denies all the same",
    given: (world) =>
      all(world.settings({ podToHost: "deny" }), open).global("pre", {
        ...preDnat,
        ingress: [
          { ...deny, ...tcp(9101) },
          { ...allow, ...tcp(9100) },
        ],
      }),
    rows: [
      "a/web -> node:node-1 tcp/9100 deny",
      "a/web -> node:node-1 tcp/9101 deny",
      "external:out -> node:node-1 tcp/9100 allow",
      "a/web -> node:node-2 tcp/9100 allow",
    ],
  },
  {
    title: "podToHost allow: not what preDNAT or the pod's own policy denies",
    given: (world) =>
      all(world.settings({ podToHost: "allow" }))
        .global("pre", { ...preDnat, ingress: [{ ...deny, ...tcp(9101) }] })
        .policy("a/api", { selector: "app == 'api'", types: ["Egress"], egress: [{ ...allow, ...udp(9100) }] }),
    rows: [
      "a/web -> node:node-1 tcp/9100 allow",
      "a/web -> node:node-1 tcp/9101 deny",
      "a/api -> node:node-1 udp/9100 allow",
      "a/api -> node:node-1 tcp/9100 deny",
    ],
  },
  {
    title: "podToHost deny: reject tells who sent the packet",
    settings: { deny: "reject" },
    given: (world) => world.settings({ podToHost: "deny" }),
    rows: ["a/web -> node:node-1 tcp/9100 refused", "a/web -> node:node-1 udp6/9100 prohibited"],
  },
];

const told: readonly HostScene[] = [
  {
    title: "deny: reject tells who sent the packet, but before DNAT and where the host itself sends",
    settings: { deny: "reject" },
    given: (world) =>
      all(world)
        .policy("a/api", {
          selector: "app == 'api'",
          ingress: [{ ...allow, ...tcp(8080) }],
          egress: [{ ...allow, ...tcp(8080) }],
          types: ["Ingress", "Egress"],
        })
        .global("in", { ...forward, ingress: [{ ...allow, protocol: "TCP" }], order: 20 })
        .global("pre", { ...preDnat, ingress: [{ ...deny, destination: { ports: [9101] }, protocol: "TCP" }] }),
    rows: [
      "external:out -> node:node-1 udp/9100 prohibited",
      "external:out -> node:node-1 udp6/9100 prohibited",
      "external:out -> node:node-1 tcp/9101 deny",
      "external:out -> side:host udp/443 prohibited",
      "a/web -> a/api tcp/8081 refused",
      "a/web -> a/api tcp6/8081 refused",
      "a/api -> a/db tcp/8081 refused",
      "a/db -> a/api udp/5353 prohibited",
      "node:node-1 -> external:out tcp/443 deny",
      "node:node-1 -> external:out udp/443 deny",
    ],
  },
  {
    title: "deny: reject resets TCP to a host that is closed",
    settings: { deny: "reject" },
    given: (world) => all(world),
    rows: [
      "external:out -> node:node-1 tcp/9100 refused",
      "external:out -> node:node-1 tcp6/9100 refused",
      "a/web -> node:node-1 tcp/9100 refused",
      "a/web -> node:node-1 udp6/9100 prohibited",
    ],
  },
];

export const scenes: readonly HostScene[] = [
  ...normal,
  ...interfaces,
  ...forwarded,
  ...beforeTranslation,
  ...withoutTracking,
  ...toOwnNode,
  ...toOwnNodeBeside,
  ...told,
];
