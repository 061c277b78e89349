// How long it takes to tell what one edit of a policy opens and closes. Run by hand: node test/bench/policy-effect.bench.ts
//
// Method. 5,000 pods of 500 applications (10 each, one of three tiers, IPv4 and IPv6) in 50 namespaces of three environments on 100
// nodes, and 1,000 policies: 4 global ones in a tier of their own (environments kept apart, a metadata service closed, DNS), and for each
// application one NetworkPolicy of projectcalico.org/v3 or networking.k8s.io with 2 to 4 rules about neighbours, ports, named ports and
// CIDRs; the rest are global ones that allow a port between applications. Each edit is made in a World of its own and compared with
// the situation before it: the time is that of effectOf alone, the middle of five rounds after a warm-up, in CPU time of this process.
// Making the World after the edit is reported beside it. Ends with code 1 if an edit is over the limit.
import type { KubeObject } from "../../core/kube/objects.ts";
import { effectOf } from "../../policy/effect.ts";
import { effectSummary } from "../../policy/effect-text.ts";
import type { Situation } from "../../policy/space/situation.ts";
import { World } from "../../policy/world.ts";

const limitMs = 1_000;
const namespaces = 50;
const applications = 500;
const replicas = 10;
const policies = 1_000;
const environments = ["dev", "staging", "prod"];

const object = (kind: string, name: string, namespace: string | null, rest: object, api = "v1"): KubeObject => {
  const { labels, ...body } = rest as { labels?: Readonly<Record<string, string>> };
  const metadata = { name, ...(namespace === null ? {} : { namespace }), ...(labels === undefined ? {} : { labels }) };
  return { apiVersion: api, kind, metadata, ...body };
};

const calico = "projectcalico.org/v3";
const spaceOf = (application: number) => `ns-${application % namespaces}`;
const allow = (rest: object) => ({ action: "Allow", protocol: "TCP", ...rest });

function cluster(): readonly KubeObject[] {
  const spaces = Array.from({ length: namespaces }, (_, at) =>
    object("Namespace", `ns-${at}`, null, { labels: { env: environments[at % 3], team: `t${at % 7}` } }),
  );
  const nodes = Array.from({ length: 100 }, (_, at) =>
    object("Node", `node-${at}`, null, {
      status: { addresses: [{ type: "InternalIP", address: `192.168.0.${at + 1}` }] },
    }),
  );
  return [...spaces, ...nodes, ...Array.from({ length: applications }, (_, at) => podsOf(at)).flat()];
}

function podsOf(application: number): readonly KubeObject[] {
  return Array.from({ length: replicas }, (_, at) => {
    const number = application * replicas + at;
    const ips = [`10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`, `fd00::${number.toString(16)}`];
    return object("Pod", `app-${application}-${at}`, spaceOf(application), {
      labels: {
        app: `app-${application}`,
        tier: ["web", "api", "db"][application % 3],
        "pod-template-hash": `${number % 9}`,
      },
      spec: {
        nodeName: `node-${number % 100}`,
        containers: [{ name: "main", ports: [{ name: "http", containerPort: 8080 + (application % 5) }] }],
      },
      status: { phase: "Running", podIPs: ips.map((ip) => ({ ip })) },
    });
  });
}

function ofApplication(at: number): KubeObject {
  const neighbours = [1, 7, 50].map((step) => `app-${(at + step) % applications}`);
  const nets = [`203.0.${at % 100}.0/24`, `198.51.100.${at % 250}/32`];
  if (at % 2 === 0)
    return object(
      "NetworkPolicy",
      `p-${at}`,
      spaceOf(at),
      {
        spec: {
          podSelector: { matchLabels: { app: `app-${at}` } },
          policyTypes: ["Ingress"],
          ingress: [
            { from: [{ podSelector: { matchLabels: { app: neighbours[2] } } }], ports: [{ port: "http" }] },
            { from: [{ namespaceSelector: { matchLabels: { team: `t${at % 7}` } } }], ports: [{ port: 9090 }] },
            { from: [{ ipBlock: { cidr: nets[0] } }], ports: [{ port: 443 }] },
          ],
        },
      },
      "networking.k8s.io/v1",
    );
  const namespaceSelector = "all()";
  const selector = `app in {'${neighbours.join("', '")}'}`;
  return object(
    "NetworkPolicy",
    `p-${at}`,
    spaceOf(at),
    {
      spec: {
        selector: `app == 'app-${at}'`,
        types: ["Ingress", "Egress"],
        ingress: [
          allow({ source: { namespaceSelector, selector }, destination: { ports: [8080, "9000:9010"] } }),
          allow({ source: { nets }, destination: { ports: ["http"] } }),
        ],
        egress: [
          allow({ destination: { namespaceSelector, selector } }),
          allow({ protocol: "UDP", destination: { ports: [53] } }),
          allow({ destination: { notNets: ["10.0.0.0/8"], ports: [443] } }),
        ],
      },
    },
    calico,
  );
}

const global = (name: string, spec: object) => object("GlobalNetworkPolicy", name, null, { spec }, calico);

function globals(): readonly KubeObject[] {
  const first = [
    global("metadata", {
      tier: "security",
      order: 1,
      types: ["Egress"],
      egress: [{ action: "Deny", destination: { nets: ["169.254.169.254/32"] } }],
    }),
    global("dev-not-to-prod", {
      tier: "security",
      order: 2,
      namespaceSelector: "env == 'dev'",
      types: ["Egress"],
      egress: [{ action: "Deny", destination: { namespaceSelector: "env == 'prod'" } }],
    }),
    global("prod-not-from-dev", {
      tier: "security",
      order: 3,
      namespaceSelector: "env == 'prod'",
      types: ["Ingress"],
      ingress: [{ action: "Deny", source: { namespaceSelector: "env == 'dev'" } }],
    }),
    global("dns", {
      tier: "security",
      order: 4,
      namespaceSelector: "all()",
      types: ["Egress"],
      egress: [allow({ protocol: "UDP", destination: { ports: [53] } })],
    }),
  ];
  const rest = Array.from({ length: policies - applications - first.length }, (_, at) =>
    global(`shared-${at}`, {
      order: 2000 + at,
      selector: `app in {'app-${at}', 'app-${(at + 3) % applications}'}`,
      types: ["Ingress"],
      ingress: [
        allow({
          source: { selector: `tier == '${["web", "api", "db"][at % 3]}'` },
          destination: { ports: [7000 + (at % 20)] },
        }),
      ],
    }),
  );
  return [object("Tier", "security", null, { spec: { order: 100, defaultAction: "Pass" } }, calico), ...first, ...rest];
}

function situationOf(objects: readonly KubeObject[]): Situation {
  const world = new World();
  const faults = world.apply(objects.map((one) => ({ type: "upsert", object: one })));
  if (faults.length > 0) throw new Error(JSON.stringify(faults[0]));
  return { program: world.program(), placement: world.placement() };
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}

const everything = [...cluster(), ...globals(), ...Array.from({ length: applications }, (_, at) => ofApplication(at))];
const without = (...names: readonly string[]) => everything.filter(({ metadata }) => !names.includes(metadata.name));
const edits = [
  { title: "an application's NetworkPolicy deleted", objects: without("p-101") },
  { title: "a Kubernetes NetworkPolicy deleted", objects: without("p-100") },
  { title: "one shared port deleted", objects: without("shared-17") },
  { title: "dev may talk to prod", objects: without("dev-not-to-prod", "prod-not-from-dev") },
  { title: "the metadata service opened to all pods", objects: without("metadata") },
  {
    title: "a port closed for everybody",
    objects: [
      ...everything,
      global("no-telnet", {
        tier: "security",
        order: 0,
        types: ["Ingress", "Egress"],
        ingress: [{ action: "Deny", protocol: "TCP", destination: { ports: [23] } }],
        egress: [{ action: "Deny", protocol: "TCP", destination: { ports: [23] } }],
      }),
    ],
  },
  { title: "one of two lines from dev to prod deleted", objects: without("dev-not-to-prod") },
  {
    title: "what all pods may do allowed twice",
    objects: [
      ...everything,
      global("dns-as-well", {
        tier: "security",
        order: 3.5,
        namespaceSelector: "all()",
        types: ["Egress"],
        egress: [allow({ protocol: "UDP", destination: { ports: [53] } })],
      }),
    ],
  },
];

const before = situationOf(everything);
console.log(`${everything.length} objects, ${before.placement.classes.size} classes, ${before.program.sets.size} sets`);
for (const { title, objects } of edits) {
  let after = before;
  const making = cpuMs(() => {
    after = situationOf(objects);
  });
  let summary = "";
  const round = () =>
    cpuMs(() => {
      summary = effectSummary(effectOf(before, after));
    });
  const rounds = Array.from({ length: 6 }, round).slice(1);
  const middle = rounds.sort((a, b) => a - b)[2] as number;
  console.log(
    `${title.padEnd(42)} ${middle.toFixed(0).padStart(6)} ms   (world: ${making.toFixed(0)} ms)   ${summary.replace(/;.*|(?<!no connection): .*/, "")}`,
  );
  if (middle > limitMs) {
    console.log(`over the limit of ${limitMs} ms`);
    process.exitCode = 1;
  }
}
