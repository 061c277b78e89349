import type { Control, Dashboard, Measure, Panel, Search, Split } from "./description.ts";

// The dashboards and searches themselves.

const flows: Measure = { of: "flows", label: "connections" };
const bytes: Measure = { of: "sum", field: "network.bytes", label: "bytes", format: "bytes" };
const documents: Measure = { of: "documents", label: "records" };
/** One record of each connection, or whatever both ends tell would count twice. */
const counted = "sluice.authoritative: true";
const denied = `${counted} and event.action: deny`;

const from = (size: number): Split => ({ field: "sluice.source.namespace", label: "from namespace", size });
const to = (size: number): Split => ({ field: "sluice.destination.namespace", label: "to namespace", size });
const policy = (size: number): Split => ({ field: "rule.name", label: "policy", size });
const tier = (size: number): Split => ({ field: "rule.ruleset", label: "tier", size });
const node = (size: number): Split => ({ field: "observer.name", label: "node", size });

const cluster = (set: Control["set"]): Control => ({ set, field: "orchestrator.cluster.name", title: "Cluster" });
const namespaces: readonly Control[] = [
  { set: "flow", field: "sluice.source.namespace", title: "From namespace" },
  { set: "flow", field: "sluice.destination.namespace", title: "To namespace" },
];

const pages = [
  ["Overview", "sluice-overview"],
  ["Denied flows", "sluice-denied"],
  ["Policy hits", "sluice-policies"],
  ["Namespace", "sluice-namespace"],
  ["Changes", "sluice-changes"],
  ["Pipeline", "sluice-pipeline"],
] as const;

const navigation: Panel = {
  kind: "text",
  at: [0, 0, 48, 3],
  markdown: pages.map(([title, id]) => `[${title}](#/view/${id})`).join(" | "),
};

export const searches: readonly Search[] = [
  {
    id: "sluice-denied-flows",
    title: "Sluice: denied flows",
    set: "flow",
    filter: denied,
    columns: [
      ...["sluice.source.namespace", "sluice.source.name", "source.ip", "sluice.destination.namespace"],
      ...[
        "sluice.destination.name",
        "destination.ip",
        "destination.port",
        "network.transport",
        "rule.ruleset",
        "rule.name",
      ],
    ],
  },
  {
    id: "sluice-would-be-denied",
    title: "Sluice: flows that staged policies would deny",
    set: "flow",
    filter: `${counted} and event.action: allow and sluice.policy.pending: *deny*`,
    columns: [
      "sluice.source.namespace",
      "sluice.source.name",
      "sluice.destination.namespace",
      "sluice.destination.name",
      "destination.port",
      "sluice.policy.pending",
    ],
  },
  {
    id: "sluice-change-log",
    title: "Sluice: changes of controls",
    set: "change",
    filter: "",
    columns: [
      "event.action",
      "observer.name",
      "user.name",
      "process.name",
      "sluice.change.object",
      "message",
      "sluice.change.outcome",
    ],
  },
  {
    id: "sluice-losses",
    title: "Sluice: what was not seen or not kept",
    set: "loss",
    filter: "",
    columns: ["observer.name", "sluice.loss.source", "sluice.loss.count", "sluice.loss.detail"],
  },
];

export const dashboards: readonly Dashboard[] = [
  {
    id: "sluice-overview",
    title: "Sluice: overview",
    description: "Who talks to whom, what is denied, and who changed what.",
    controls: [cluster("flow"), ...namespaces],
    panels: [
      navigation,
      { kind: "number", title: "Connections", set: "flow", filter: counted, measure: flows, at: [0, 3, 12, 6] },
      { kind: "number", title: "Denied", set: "flow", filter: denied, measure: flows, at: [12, 3, 12, 6] },
      { kind: "number", title: "Changes of controls", set: "change", measure: documents, at: [24, 3, 12, 6] },
      { kind: "number", title: "Losses", set: "loss", measure: documents, at: [36, 3, 12, 6] },
      {
        ...{ kind: "time", title: "Connections by verdict", set: "flow", filter: counted, shape: "bar_stacked" },
        ...{ measures: [flows], split: { field: "event.action", label: "verdict", size: 3 }, at: [0, 9, 24, 12] },
      },
      {
        ...{ kind: "time", title: "Denied by tier", set: "flow", filter: denied, shape: "bar_stacked" },
        ...{ measures: [flows], split: tier(8), at: [24, 9, 24, 12] },
      },
      {
        ...{ kind: "matrix", title: "Bytes between namespaces", set: "flow", filter: counted },
        ...{ rows: from(20), columns: to(20), measure: bytes, at: [0, 21, 24, 16] },
      },
      {
        kind: "table",
        title: "Most denied pairs",
        set: "flow",
        filter: denied,
        rows: [from(10), to(5)],
        measures: [flows],
        at: [24, 21, 24, 16],
      },
    ],
  },
  {
    id: "sluice-denied",
    title: "Sluice: denied flows",
    description: "What is denied, by which policy, and whom it hits.",
    controls: [cluster("flow"), ...namespaces, { set: "flow", field: "rule.ruleset", title: "Tier" }],
    panels: [
      navigation,
      {
        ...{ kind: "time", title: "Denied by policy", set: "flow", filter: denied, shape: "bar_stacked" },
        ...{ measures: [flows], split: policy(10), at: [0, 3, 32, 12] },
      },
      {
        ...{ kind: "table", title: "Why, other than by a rule", set: "flow", filter: `${denied} and event.reason: *` },
        ...{ rows: [{ field: "event.reason", label: "reason", size: 10 }], measures: [flows], at: [32, 3, 16, 12] },
      },
      {
        ...{ kind: "matrix", title: "Between namespaces", set: "flow", filter: denied },
        ...{ rows: from(20), columns: to(20), measure: flows, at: [0, 15, 24, 16] },
      },
      {
        ...{ kind: "table", title: "Who is denied most", set: "flow", filter: denied, measures: [flows] },
        ...{
          rows: [
            from(10),
            { field: "sluice.source.name", label: "from", size: 5 },
            { field: "destination.port", label: "port", size: 3 },
          ],
        },
        at: [24, 15, 24, 16],
      },
      { kind: "search", search: "sluice-denied-flows", at: [0, 31, 48, 18] },
    ],
  },
  {
    id: "sluice-policies",
    title: "Sluice: policy hits",
    description: "Which policies decide, which have not for long, and what staged ones would do.",
    controls: [
      cluster("flow"),
      { set: "flow", field: "rule.ruleset", title: "Tier" },
      { set: "flow", field: "rule.name", title: "Policy" },
    ],
    panels: [
      navigation,
      {
        kind: "number",
        title: "Policies that decided",
        set: "flow",
        measure: { of: "unique", field: "rule.name", label: "policies" },
        at: [0, 3, 12, 8],
      },
      {
        ...{ kind: "time", title: "Hits by tier", set: "flow", filter: counted, shape: "area_stacked" },
        ...{ measures: [flows], split: tier(8), at: [12, 3, 36, 8] },
      },
      {
        ...{ kind: "table", title: "Hits by policy", set: "flow", filter: counted, rows: [policy(100)] },
        measures: [
          flows,
          { of: "flows", label: "denied", filter: "event.action: deny" },
          { of: "max", field: "@timestamp", label: "last" },
        ],
        at: [0, 11, 24, 20],
      },
      {
        ...{
          kind: "table",
          title: "Connections whose verdict nobody enforced",
          set: "flow",
          filter: `${counted} and sluice.mode: observed`,
        },
        ...{
          rows: [to(20), { field: "event.action", label: "verdict", size: 3 }],
          measures: [flows],
          at: [24, 11, 24, 20],
        },
      },
      { kind: "search", search: "sluice-would-be-denied", at: [0, 31, 48, 16] },
    ],
  },
  {
    id: "sluice-namespace",
    title: "Sluice: one namespace",
    description: "Choose a namespace above: with whom it talks, and what it is denied.",
    controls: [cluster("flow"), ...namespaces, { set: "flow", field: "sluice.destination.name", title: "To" }],
    panels: [
      navigation,
      {
        ...{ kind: "time", title: "Bytes", set: "flow", filter: counted, shape: "area_stacked" },
        ...{ measures: [bytes], split: to(8), at: [0, 3, 24, 12] },
      },
      {
        ...{ kind: "time", title: "Denied", set: "flow", filter: denied, shape: "bar_stacked" },
        ...{ measures: [flows], split: policy(8), at: [24, 3, 24, 12] },
      },
      {
        ...{ kind: "table", title: "Workloads", set: "flow", filter: counted, measures: [flows, bytes] },
        ...{
          rows: [
            { field: "sluice.source.workload.name", label: "from workload", size: 15 },
            { field: "sluice.destination.workload.name", label: "to workload", size: 5 },
          ],
        },
        at: [0, 15, 24, 16],
      },
      {
        ...{
          kind: "table",
          title: "Outside of the cluster",
          set: "flow",
          filter: `${counted} and sluice.destination.kind: network`,
        },
        ...{
          rows: [
            { field: "destination.domain", label: "name", size: 15 },
            { field: "destination.port", label: "port", size: 3 },
          ],
          measures: [flows, bytes],
          at: [24, 15, 24, 16],
        },
      },
    ],
  },
  {
    id: "sluice-changes",
    title: "Sluice: change log",
    description: "Who changed rules and policies, and what became of it.",
    controls: [
      cluster("change"),
      { set: "change", field: "observer.name", title: "Node" },
      { set: "change", field: "event.action", title: "Kind" },
    ],
    panels: [
      navigation,
      {
        kind: "time",
        title: "Changes",
        set: "change",
        shape: "bar_stacked",
        measures: [documents],
        split: { field: "event.action", label: "kind", size: 5 },
        at: [0, 3, 24, 12],
      },
      {
        ...{
          kind: "table",
          title: "By whom",
          set: "change",
          measures: [documents, { of: "max", field: "event.duration", label: "longest, ns" }],
        },
        ...{
          rows: [
            { field: "process.name", label: "program", size: 10 },
            { field: "user.name", label: "user", size: 5 },
          ],
          at: [24, 3, 24, 12],
        },
      },
      { kind: "search", search: "sluice-change-log", at: [0, 15, 48, 20] },
    ],
  },
  {
    id: "sluice-pipeline",
    title: "Sluice: pipeline",
    description: "Do all nodes tell what they see? What was lost?",
    controls: [cluster("heartbeat"), { set: "heartbeat", field: "observer.name", title: "Node" }],
    panels: [
      navigation,
      {
        kind: "number",
        title: "Nodes that tell",
        set: "heartbeat",
        measure: { of: "unique", field: "observer.name", label: "nodes" },
        at: [0, 3, 12, 8],
      },
      {
        kind: "time",
        title: "Connections followed",
        set: "heartbeat",
        shape: "line",
        measures: [{ of: "max", field: "sluice.heartbeat.connections", label: "connections" }],
        split: node(20),
        at: [12, 3, 36, 8],
      },
      {
        ...{ kind: "table", title: "Nodes", set: "heartbeat", rows: [node(200)] },
        measures: [
          { of: "max", field: "@timestamp", label: "last" },
          { of: "max", field: "sluice.heartbeat.overruns", label: "overruns" },
          { of: "max", field: "sluice.heartbeat.dropped", label: "dropped" },
          { of: "max", field: "sluice.heartbeat.table_drops", label: "table full" },
        ],
        at: [0, 11, 24, 16],
      },
      {
        kind: "time",
        title: "Losses",
        set: "loss",
        shape: "bar_stacked",
        measures: [documents],
        split: { field: "sluice.loss.source", label: "source", size: 6 },
        at: [24, 11, 24, 16],
      },
      { kind: "search", search: "sluice-losses", at: [0, 27, 48, 14] },
    ],
  },
];
