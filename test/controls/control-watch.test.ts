import assert from "node:assert/strict";
import type { Leave } from "../../controls/log/effects.ts";
import { type Circumstances, ControlWatch, type Draft, type Earlier } from "../../controls/watched/control-watch.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { AutomaticHosts } from "../../policy/automatic-hosts.ts";
import { ownLabels } from "../../policy/crd.ts";
import { defaultProgramSettings } from "../../policy/program-settings.ts";
import { nodeObject, podObject, remove, synced, upsert } from "../support/objects.ts";
import { world } from "../support/world.ts";

const start = 1_700_000_000_000;

/** Two namespaces with a pod each, kept apart by a policy of shop. */
const cluster = () =>
  world()
    .node("node-a", "192.168.0.1")
    .namespace("shop", { env: "prod" })
    .namespace("dev", { env: "dev" })
    .pod("shop/db", { app: "db" })
    .pod("dev/web", { app: "web" })
    .tier("security", 100)
    .policy("shop/app.db", { tier: "default", selector: "app == 'db'", types: ["Ingress"], ingress: [] });

const calico = (kind: string, name: string, spec: object, more: object = {}): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name, ...more },
  spec,
});
const policy = (ingress: readonly object[], more: object = {}): KubeObject =>
  calico(
    "NetworkPolicy",
    "app.db",
    { tier: "default", selector: "app == 'db'", types: ["Ingress"], ingress },
    {
      namespace: "shop",
      ...more,
    },
  );
const fromDev = {
  action: "Allow",
  protocol: "TCP",
  source: { namespaceSelector: "env == 'dev'" },
  destination: { ports: [80] },
};
const namespaceOf = (name: string, labels: object, more: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: { "kubernetes.io/metadata.name": name, ...labels }, ...more },
});
const ours = ownLabels;
const object = (apiVersion: string, kind: string, name: string, rest: object, metadata: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...metadata },
  ...rest,
});
const clusterRole = (name: string, rules: readonly object[]) =>
  object("rbac.authorization.k8s.io/v1", "ClusterRole", name, { rules });
const binding = (name: string, role: string) =>
  object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name, {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ kind: "User", name: "ann" }],
  });
const deployment = (labels: object, rest: object = {}) =>
  object(
    "apps/v1",
    "Deployment",
    "web",
    {
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: { metadata: { labels: { app: "web", ...labels } }, spec: {} },
      },
      ...rest,
    },
    { namespace: "dev" },
  );

interface Case {
  readonly title: string;
  /** Beside the cluster. */
  readonly there?: readonly KubeObject[];
  readonly batches: readonly (readonly Change[])[];
  readonly told: readonly string[];
}

/** `created X [subject]; what it opens; (notes)` */
const cases: readonly Case[] = [
  {
    title: "what exists at first, and nothing else",
    batches: [],
    told: [],
  },
  {
    title: "no host endpoint that only follows from a node",
    batches: [new AutomaticHosts().after([upsert(nodeObject("node-b", ["192.168.0.2"]))])],
    told: [],
  },
  {
    title: "a rule that opens a port, by path",
    batches: [[upsert(policy([fromDev]))]],
    told: [
      "changed spec/ingress/0 of NetworkPolicy shop/app.db [policy] opens: pods of namespace dev (1) -> pods of namespace shop (1): TCP 80",
    ],
  },
  {
    title: "a policy that goes, which opens what it closed",
    batches: [[remove(policy([]))]],
    told: ["deleted NetworkPolicy shop/app.db [policy] opens: anybody -> pods of namespace shop (1): everything"],
  },
  {
    title: "several that come at once, each for itself and in order",
    batches: [
      [
        remove(policy([])),
        upsert(calico("GlobalNetworkPolicy", "security.closed", { tier: "security", types: ["Ingress"] })),
      ],
    ],
    told: [
      "deleted NetworkPolicy shop/app.db [policy] opens: anybody -> pods of namespace shop (1): everything",
      "created GlobalNetworkPolicy security.closed [policy] closes: anybody -> all pods (2): everything",
    ],
  },
  {
    title: "nothing of a status, a resourceVersion, or what kubectl notes",
    batches: [
      [upsert({ ...policy([]), status: { conditions: [{ type: "Programmed" }] } })],
      [upsert(policy([], { resourceVersion: "2", generation: 3 }))],
      [upsert(policy([], { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" } }))],
    ],
    told: [],
  },
  {
    title: "an annotation, which may hold a ticket",
    batches: [[upsert(policy([], { annotations: { ticket: "SEC-1" } }))]],
    told: ["changed metadata/annotations/ticket of NetworkPolicy shop/app.db [policy] changes no connection"],
  },
  {
    title: "one that was deleted and made anew under its name between two looks, as both",
    there: [policy([], { uid: "1" })],
    batches: [[upsert(policy([fromDev], { uid: "2" }))]],
    told: [
      "deleted NetworkPolicy shop/app.db [policy] opens: anybody -> pods of namespace shop (1): everything",
      "created NetworkPolicy shop/app.db [policy] closes 2; most of all closes: anybody outside the cluster -> pods of namespace shop (1): everything",
    ],
  },
  {
    title: "a policy that Sluice does not accept, whose last good state stays",
    batches: [[upsert(policy([{ action: "Nonsense" }]))]],
    told: [
      'changed spec/ingress/0 of NetworkPolicy shop/app.db [policy] changes no connection (not accepted, its last good state stays in force: spec.ingress[0].action "Nonsense" is none of Allow, Deny, Log, Pass)',
    ],
  },
  {
    title: "what goes with its namespace, also where that is told afterwards",
    batches: [[remove(policy([])), remove(namespaceOf("shop", { env: "prod" }))]],
    told: [
      "deleted NetworkPolicy shop/app.db, with its namespace [policy] opens: anybody -> pods of namespace shop (1): everything",
    ],
  },
  {
    title: "what goes while its namespace is being deleted",
    batches: [
      [upsert(namespaceOf("shop", { env: "prod" }, { deletionTimestamp: "2026-12-01T00:00:00Z" }))],
      [remove(policy([]))],
    ],
    told: [
      "deleted NetworkPolicy shop/app.db, with its namespace [policy] opens: anybody -> pods of namespace shop (1): everything",
    ],
  },
  {
    title: "tiers, network sets, host endpoints, alerts, reports and taxonomies",
    batches: [
      [
        upsert(calico("Tier", "team", { order: 5 })),
        upsert(calico("GlobalNetworkSet", "office", { nets: ["192.0.2.0/24"] })),
        upsert(calico("HostEndpoint", "node-a", { node: "node-a", interfaceName: "eth0" })),
        upsert(calico("GlobalAlert", "denied", { summary: "x" })),
        upsert(calico("GlobalReport", "weekly", {})),
        upsert(object("controls.sluice.dev/v1alpha1", "LabelTaxonomy", "labels", { spec: {} })),
        upsert(object("controls.sluice.dev/v1alpha1", "AlertSilence", "quiet", { spec: {} })),
        upsert(object("controls.sluice.dev/v1alpha1", "ChangeRules", "rules", { spec: {} })),
      ],
    ],
    told: [
      "created Tier team [tier] changes no connection",
      "created GlobalNetworkSet office [networks] changes no connection",
      "created HostEndpoint node-a [host] closes 2; most of all closes: node node-a -> anybody outside the cluster: everything but TCP 179, 2379-2380, 5473, 6443 and 6666-6667 and UDP 53 and 67",
      "created GlobalAlert denied [alert]",
      "created GlobalReport weekly [report]",
      "created LabelTaxonomy labels [taxonomy]",
      "created AlertSilence quiet [alert]",
      "created ChangeRules rules [config]",
    ],
  },
  {
    title:
      "what protects the product: its workloads, pods that go, its settings, admission, webhooks, CRDs of its groups",
    there: [
      object("v1", "Pod", "sluice-node-1", { spec: { nodeName: "node-a" } }, { namespace: "sluice", labels: ours }),
      object("apps/v1", "DaemonSet", "sluice-node", { spec: { x: 1 } }, { namespace: "sluice", labels: ours }),
      object("v1", "ConfigMap", "sluice", { data: { a: "1" } }, { namespace: "sluice", labels: ours }),
    ],
    batches: [
      [
        remove(
          object("v1", "Pod", "sluice-node-1", { spec: { nodeName: "node-a" } }, { namespace: "sluice", labels: ours }),
        ),
        upsert(
          object("v1", "Pod", "sluice-node-2", { spec: { nodeName: "node-a" } }, { namespace: "sluice", labels: ours }),
        ),
        upsert(
          object(
            "apps/v1",
            "DaemonSet",
            "sluice-node",
            { spec: { x: 2 }, status: { n: 1 } },
            { namespace: "sluice", labels: ours },
          ),
        ),
        upsert(object("v1", "ConfigMap", "sluice", { data: { a: "2" } }, { namespace: "sluice", labels: ours })),
        upsert(object("v1", "ConfigMap", "other", { data: { a: "2" } }, { namespace: "sluice" })),
        upsert(object("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "tiers", { spec: {} })),
        upsert(object("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "tiers", { spec: {} })),
        upsert(object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "any", { webhooks: [] })),
        upsert(
          object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "tiers", {
            spec: { group: "projectcalico.org" },
          }),
        ),
        upsert(
          object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "others", { spec: { group: "example.com" } }),
        ),
      ],
    ],
    told: [
      "deleted Pod sluice/sluice-node-1 [guard]",
      "changed spec/x of DaemonSet sluice/sluice-node [guard]",
      "changed data/a of ConfigMap sluice/sluice [config]",
      "created ValidatingAdmissionPolicy tiers [admission]",
      "created ValidatingAdmissionPolicyBinding tiers [admission]",
      "created MutatingWebhookConfiguration any [webhook]",
      "created CustomResourceDefinition tiers [crd]",
    ],
  },
  {
    title: "a pod of ours that goes, also after somebody took its label away",
    there: [object("v1", "Pod", "sluice-1", { spec: {} }, { namespace: "sluice", labels: ours })],
    batches: [
      [upsert(object("v1", "Pod", "sluice-1", { spec: {} }, { namespace: "sluice" }))],
      [remove(object("v1", "Pod", "sluice-1", { spec: {} }, { namespace: "sluice" }))],
    ],
    told: ["deleted Pod sluice/sluice-1 [guard]"],
  },
  {
    title: "roles that let somebody write controls, before or after, and who gets them",
    there: [
      clusterRole("pods", [{ apiGroups: [""], resources: ["pods"], verbs: ["*"] }]),
      clusterRole("all", [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]),
      clusterRole("view", [{ apiGroups: ["projectcalico.org"], resources: ["*"], verbs: ["get", "list", "watch"] }]),
    ],
    batches: [
      [
        upsert(clusterRole("pods", [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }])),
        upsert(
          clusterRole("view", [{ apiGroups: ["projectcalico.org"], resources: ["tiers"], verbs: ["get", "patch"] }]),
        ),
        upsert(clusterRole("view", [{ apiGroups: ["projectcalico.org"], resources: ["tiers"], verbs: ["get"] }])),
        upsert(
          clusterRole("np", [
            { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies/status"], verbs: ["update"] },
          ]),
        ),
        upsert(clusterRole("ing", [{ apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: ["update"] }])),
        upsert(binding("to-pods", "pods")),
        upsert(binding("to-all", "all")),
        upsert(binding("to-unseen", "unseen")),
      ],
    ],
    told: [
      "changed rules/0/resources/0, rules/0/verbs/1, rules/0/verbs/2 of ClusterRole view [rbac]",
      "changed rules/0/verbs/1 of ClusterRole view [rbac]",
      "created ClusterRole np [rbac]",
      "created ClusterRoleBinding to-all [rbac]",
      "created ClusterRoleBinding to-unseen [rbac]",
    ],
  },
  {
    title: "labels of a namespace that a policy asks about, and no others",
    there: [policy([fromDev])],
    batches: [
      [upsert(namespaceOf("dev", { env: "dev", owner: "ann" }))],
      [upsert(namespaceOf("dev", { env: "prod", owner: "ann" }))],
      [upsert(namespaceOf("new", { env: "prod" })), upsert(namespaceOf("new", { env: "dev" }))],
    ],
    told: [
      "changed metadata/labels/env of Namespace dev [labels] closes: pods of namespace dev (1) -> pods of namespace shop (1): TCP 80",
      "changed metadata/labels/env of Namespace new [labels] changes no connection",
    ],
  },
  {
    title: "a pod that is relabelled while it runs, and none that comes or goes",
    batches: [
      [upsert(podObject("dev/api", { labels: { app: "api" }, ips: ["10.244.1.9"] }))],
      [upsert(podObject("dev/api", { labels: { app: "api2" }, ips: ["10.244.1.9"] }))],
      [upsert(podObject("shop/db", { labels: { app: "x" }, ips: ["10.244.1.1"] }))],
      [remove(podObject("dev/api", { labels: { app: "api2" } }))],
    ],
    told: [
      "changed metadata/labels/app of Pod shop/db [labels] opens 2; most of all opens: pods of namespace dev (2) and anybody outside the cluster -> pods of namespace shop (1): everything",
    ],
  },
  {
    title: "a workload whose pods will be others for a policy, with what that will open",
    there: [
      calico(
        "NetworkPolicy",
        "app.web",
        { tier: "default", selector: "app == 'web' && open == 'no'", types: ["Ingress"] },
        { namespace: "dev" },
      ),
      {
        ...podObject("dev/web", { labels: { app: "web", open: "no", "pod-template-hash": "1" }, ips: ["10.244.1.2"] }),
      },
      deployment({ open: "no" }),
    ],
    batches: [
      [upsert(deployment({ open: "no", colour: "blue" }))],
      [upsert(deployment({ open: "no", colour: "blue" }, { status: { replicas: 1 } }))],
      [upsert(deployment({ open: "yes", colour: "blue" }))],
    ],
    told: [
      "changed spec/template/metadata/labels/open of Deployment dev/web [labels] opens: anybody -> pods of namespace dev (1): everything",
    ],
  },
  {
    title: "labels of nodes, where a policy asks about nodes",
    there: [
      object("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "nodes", {
        spec: {
          tier: "Admin",
          priority: 1,
          subject: { namespaces: {} },
          egress: [{ action: "Deny", to: [{ nodes: { matchLabels: { zone: "a" } } }] }],
        },
      }),
    ],
    batches: [
      [upsert({ ...(cluster().objects[0] as KubeObject), metadata: { name: "node-a", labels: { rack: "1" } } })],
      [
        upsert({
          ...(cluster().objects[0] as KubeObject),
          metadata: { name: "node-a", labels: { rack: "1", zone: "a" } },
        }),
      ],
    ],
    told: ["changed metadata/labels/zone of Node node-a [labels] closes: all pods (2) -> node node-a: everything"],
  },
];

describe("controls/watched/control-watch", () => {
  for (const { title, there = [], batches, told } of cases)
    it(`tells of ${title}`, () => {
      const watch = watchOf();
      const all = [...cluster().objects, ...there].map(upsert);
      assert.deepEqual([...watch.begin([...all, synced], null, at())], []);
      const drafts = batches.flatMap((batch) => [...watch.take(batch, at())]);
      assert.deepEqual(drafts.map(lineOf), told);
    });

  it("tells of what was done while nobody watched, deletions first, against the world as it was", () => {
    const first = watchOf();
    const there = [...cluster().objects, calico("Tier", "old", { order: 1 })];
    [...first.begin([...there.map(upsert), synced], null, at())];
    const earlier: Earlier = { known: new Map(first.known()), until: start - 5_000, unread: new Set() };
    const now = [
      ...cluster().objects.filter(({ kind, metadata: { name } }) => kind !== "NetworkPolicy" && name !== "dev"),
      namespaceOf("dev", { env: "x" }),
      policy([fromDev]),
      calico("GlobalNetworkPolicy", "security.open", {
        tier: "security",
        selector: "app == 'web'",
        types: ["Ingress"],
        ingress: [{ action: "Allow", protocol: "TCP", destination: { ports: [443] } }],
      }),
    ];
    const drafts = [...watchOf().begin([...now.map(upsert), synced], earlier, at())];
    assert.deepEqual(drafts.map(lineOf), [
      "deleted Tier old [tier] changes no connection",
      "created GlobalNetworkPolicy security.open [policy] closes: anybody -> pods of namespace dev (1): everything but TCP 443",
      "changed spec/ingress/0 of NetworkPolicy shop/app.db [policy] opens: pods of namespace dev (1) -> pods of namespace shop (1): TCP 80",
      "changed metadata/labels/env of Namespace dev [labels] closes: pods of namespace dev (1) -> pods of namespace shop (1): TCP 80",
    ]);
    assert.deepEqual(
      drafts.map(({ record }) => [record.start, record.control?.foundAtStart]),
      drafts.map(() => [(start - 5_000) * 1000, true]),
    );
  });

  const costly: readonly { title: string; leave: Partial<Leave>; mostEndpoints?: number; note: string }[] = [
    {
      title: "too many changes come at once",
      leave: { reasonNotTo: () => "too many changes at once" },
      note: "too many changes at once",
    },
    { title: "the cluster is too large", leave: {}, mostEndpoints: 2, note: "3 endpoints, more than 2" },
    { title: "it takes too long", leave: { goOn: () => () => false }, note: "it takes too long" },
  ];
  for (const { title, leave, mostEndpoints = 1_000, note } of costly)
    it(`says that it did not work out the effect where ${title}`, () => {
      const watch = watchOf(mostEndpoints);
      [...watch.begin([...cluster().objects.map(upsert), synced], null, at())];
      const [draft] = [...watch.take([upsert(policy([fromDev]))], at(leave))];
      assert.equal(draft?.record.control?.effectState, "skipped");
      assert.deepEqual(draft.record.control.notes, [`the effect is not worked out: ${note}`]);
      assert.notEqual(draft.record.control.programBefore, draft.record.control.programAfter);
    });

  it("tells nothing at the start if nothing was done", () => {
    const first = watchOf();
    const all = [...cluster().objects.map(upsert), synced];
    [...first.begin(all, null, at())];
    const earlier: Earlier = { known: new Map(first.known()), until: start, unread: new Set() };
    assert.deepEqual([...watchOf().begin(all, earlier, at())], []);
  });
});

function watchOf(mostEndpoints = 1_000): ControlWatch {
  return new ControlWatch({ cluster: "lab", settings: defaultProgramSettings, limit: 20, mostEndpoints });
}

const at = (leave: Partial<Leave> = {}): Circumstances => ({
  now: () => start,
  reasonNotTo: () => null,
  goOn: () => () => true,
  ...leave,
});

function lineOf({ record: { summary, control } }: Draft): string {
  const notes = control?.notes ?? [];
  return [
    summary,
    `[${control?.subject}]`,
    control?.effectWords,
    ...(notes.length === 0 ? [] : [`(${notes.join("; ")})`]),
  ]
    .filter((part) => part !== "")
    .join(" ");
}
