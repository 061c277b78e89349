import assert from "node:assert/strict";
import { TaxonomyCluster } from "../../../controls/taxonomy/cluster.ts";
import { reconcileTaxonomies } from "../../../controls/taxonomy/reconcile.ts";
import { Api } from "../../../core/kube/api/api.ts";
import { connectionOf } from "../../../core/kube/api/connection.ts";
import { company } from "../../support/company-taxonomy.ts";
import { type Answer, type Asked, ask, done } from "../../support/kube-requests.ts";
import { installTaxonomies, taxonomiesPath } from "../../support/label-taxonomies.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { until } from "../../support/until.ts";

type Labels = Readonly<Record<string, string>>;

const spec = { containers: [{ name: "a", image: "a" }] };
const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;
const pod = (labels: Labels, name = "new") => ({ apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec });
const template = (labels: Labels) => ({ metadata: { labels: { app: "web", ...labels } }, spec });
const deployment = (labels: Labels, name = "new", more: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: { selector: { matchLabels: { app: "web" } }, template: template(labels), ...more },
});
const relabel = (path: string, labels: Readonly<Record<string, string | null>>): Asked => ({
  method: "PATCH",
  path,
  body: { metadata: { labels } },
});
const create = (path: string, body: object): Asked => ({ method: "POST", path, body });
const namespace = (name: string, labels: Labels) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});
const node = (name: string, labels: Labels) => ({ apiVersion: "v1", kind: "Node", metadata: { name, labels } });
const jobSpec = (labels: Labels) => ({ template: { ...template(labels), spec: { ...spec, restartPolicy: "Never" } } });
const deployments = "/apis/apps/v1/namespaces/shop/deployments";
const jobs = "/apis/batch/v1/namespaces/shop";
const applied = "application/apply-patch+yaml";

interface Case {
  readonly title: string;
  readonly by: string;
  readonly asks: Asked;
  readonly outcome: Answer["outcome"];
  readonly says?: RegExp;
}

const notAllowed = /this user may not set, change or remove that value/;

const cases: readonly Case[] = [
  // pods
  {
    title: "a developer creates a pod of his team",
    by: "dev",
    asks: create(pods("shop"), pod({ team: "shop" })),
    outcome: "allowed",
  },
  {
    title: "a developer creates a pod in payments",
    by: "dev",
    asks: create(pods("shop"), pod({ team: "payments" })),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a lead of payments creates a pod in payments",
    by: "lead",
    asks: create(pods("shop"), pod({ team: "payments" })),
    outcome: "allowed",
  },
  {
    title: "a lead creates a pod of a team that there is not",
    by: "lead",
    asks: create(pods("shop"), pod({ team: "paymets" })),
    outcome: "refused",
    says: /label team of the pod: the value is not allowed; there is shop, payments \(LabelTaxonomy company\)/,
  },
  {
    title: "a developer creates a pod with labels of which nothing is said",
    by: "dev",
    asks: create(pods("shop"), pod({ app: "x", level: "9", "example.com/pool": "x" })),
    outcome: "allowed",
  },
  {
    title: "a developer relabels a pod into payments",
    by: "dev",
    asks: relabel(`${pods("shop")}/plain`, { team: "payments" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a lead relabels a pod into payments",
    by: "lead",
    asks: relabel(`${pods("shop")}/plain`, { team: "payments" }),
    outcome: "allowed",
  },
  {
    title: "a developer applies a pod into payments",
    by: "dev",
    asks: { method: "PATCH", path: `${pods("shop")}/plain`, type: applied, body: pod({ team: "payments" }, "plain") },
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer creates a pod in payments by apply",
    by: "dev",
    asks: { method: "PATCH", path: `${pods("shop")}/new`, type: applied, body: pod({ team: "payments" }) },
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer puts a JSON patch on it",
    by: "dev",
    asks: {
      method: "PATCH",
      path: `${pods("shop")}/mine`,
      type: "application/json-patch+json",
      body: [{ op: "replace", path: "/metadata/labels/team", value: "payments" }],
    },
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer relabels a pod by its status",
    by: "dev",
    asks: relabel(`${pods("shop")}/plain/status`, { team: "payments" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer relabels a pod by binding it",
    by: "dev",
    asks: create(`${pods("shop")}/plain/binding`, binding({ team: "payments" })),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer relabels a pod by a binding of the old kind",
    by: "dev",
    asks: create("/api/v1/namespaces/shop/bindings", binding({ team: "payments" })),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a scheduler binds a pod",
    by: "dev",
    asks: create(`${pods("regulated")}/unpaid/binding`, binding({}, "unpaid")),
    outcome: "allowed",
  },
  {
    title: "somebody evicts a pod",
    by: "dev",
    asks: create(`${pods("regulated")}/unpaid/eviction`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: "unpaid" },
    }),
    outcome: "allowed",
  },
  {
    title: "a developer takes a pod out of payments",
    by: "dev",
    asks: relabel(`${pods("shop")}/paid`, { team: null }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer moves a pod from payments to his team",
    by: "dev",
    asks: relabel(`${pods("shop")}/paid`, { team: "shop" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a lead takes a pod out of payments",
    by: "lead",
    asks: relabel(`${pods("shop")}/paid`, { team: null }),
    outcome: "allowed",
  },
  {
    title: "a developer relabels a pod of payments otherwise",
    by: "dev",
    asks: relabel(`${pods("shop")}/paid`, { app: "x" }),
    outcome: "allowed",
  },
  {
    title: "a developer relabels a pod with an old value otherwise",
    by: "dev",
    asks: relabel(`${pods("shop")}/legacy`, { app: "x" }),
    outcome: "allowed",
  },
  {
    title: "a developer mends an old value",
    by: "dev",
    asks: relabel(`${pods("shop")}/legacy`, { team: "shop" }),
    outcome: "allowed",
  },
  {
    title: "a developer changes an old value for another that is not allowed",
    by: "dev",
    asks: relabel(`${pods("shop")}/legacy`, { team: "older" }),
    outcome: "refused",
    says: /not allowed/,
  },
  {
    title: "a developer deletes a pod with an old value",
    by: "dev",
    asks: { method: "DELETE", path: `${pods("shop")}/legacy` },
    outcome: "allowed",
  },
  {
    title: "a developer deletes a pod of payments",
    by: "dev",
    asks: { method: "DELETE", path: `${pods("shop")}/paid` },
    outcome: "allowed",
  },
  // warnings
  {
    title: "a developer creates a pod with a value that is warned of",
    by: "dev",
    asks: create(pods("shop"), pod({ "example.com/stage": "production" })),
    outcome: "warned",
    says: /it must be like dev\|prod\|test-\[0-9\]\+/,
  },
  {
    title: "a developer creates a pod with a value as the pattern has it",
    by: "dev",
    asks: create(pods("shop"), pod({ "example.com/stage": "test-12" })),
    outcome: "allowed",
  },
  // what must be there
  {
    title: "a developer creates a pod without a label that is required there",
    by: "dev",
    asks: create(pods("regulated"), pod({})),
    outcome: "refused",
    says: /label cost-center is required on this pod/,
  },
  {
    title: "a developer creates such a pod that the selector leaves out",
    by: "dev",
    asks: create(pods("regulated"), pod({ tier: "test" })),
    outcome: "allowed",
  },
  {
    title: "a developer creates a pod with the label, which he may not set",
    by: "dev",
    asks: create(pods("regulated"), pod({ "cost-center": "7" })),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a user of the list creates a pod with the label",
    by: "ann",
    asks: create(pods("regulated"), pod({ "cost-center": "7" })),
    outcome: "allowed",
  },
  {
    title: "a service account of the list creates a pod with the label",
    by: "system:serviceaccount:ci:deployer",
    asks: create(pods("regulated"), pod({ "cost-center": "7" })),
    outcome: "allowed",
  },
  {
    title: "a service account of the same name elsewhere does",
    by: "system:serviceaccount:shop:deployer",
    asks: create(pods("regulated"), pod({ "cost-center": "7" })),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a user of the list takes away what is required",
    by: "ann",
    asks: relabel(`${pods("regulated")}/charged`, { "cost-center": null }),
    outcome: "refused",
    says: /required/,
  },
  {
    title: "a user of the list takes away what is required, by its status",
    by: "ann",
    asks: relabel(`${pods("regulated")}/charged/status`, { "cost-center": null }),
    outcome: "refused",
    says: /required/,
  },
  {
    title: "a developer relabels a pod that lacks it from before",
    by: "dev",
    asks: relabel(`${pods("regulated")}/unpaid`, { app: "x" }),
    outcome: "allowed",
  },
  {
    title: "a developer relabels a pod so that it is required",
    by: "dev",
    asks: relabel(`${pods("regulated")}/exempt`, { tier: null }),
    outcome: "refused",
    says: /required/,
  },
  // templates
  {
    title: "a developer creates a deployment of pods in payments",
    by: "dev",
    asks: create(deployments, deployment({ team: "payments" })),
    outcome: "refused",
    says: /label team of the pod template/,
  },
  {
    title: "a lead creates a deployment of pods in payments",
    by: "lead",
    asks: create(deployments, deployment({ team: "payments" })),
    outcome: "allowed",
  },
  {
    title: "a developer changes a template to payments",
    by: "dev",
    asks: {
      method: "PATCH",
      path: `${deployments}/web`,
      body: { spec: { template: { metadata: { labels: { team: "payments" } } } } },
    },
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer scales a deployment of payments",
    by: "dev",
    asks: { method: "PATCH", path: `${deployments}/pay`, body: { spec: { replicas: 3 } } },
    outcome: "allowed",
  },
  {
    title: "a developer changes the image in a deployment of payments",
    by: "dev",
    asks: {
      method: "PATCH",
      path: `${deployments}/pay`,
      body: { spec: { template: { spec: { containers: [{ name: "a", image: "b" }] } } } },
    },
    outcome: "allowed",
  },
  ...["statefulsets", "daemonsets", "replicasets"].map((plural) => ({
    title: `a developer makes ${plural} of pods in payments`,
    by: "dev",
    asks: create(`/apis/apps/v1/namespaces/shop/${plural}`, {
      ...deployment({ team: "payments" }),
      kind: { statefulsets: "StatefulSet", daemonsets: "DaemonSet", replicasets: "ReplicaSet" }[plural],
    }),
    outcome: "refused" as const,
    says: notAllowed,
  })),
  {
    title: "a developer makes a replication controller of pods in payments",
    by: "dev",
    asks: create("/api/v1/namespaces/shop/replicationcontrollers", {
      apiVersion: "v1",
      kind: "ReplicationController",
      metadata: { name: "new" },
      spec: { template: template({ team: "payments" }) },
    }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer makes a job of pods in payments",
    by: "dev",
    asks: create(`${jobs}/jobs`, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "new" },
      spec: jobSpec({ team: "payments" }),
    }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer makes a cron job of pods in payments",
    by: "dev",
    asks: create(`${jobs}/cronjobs`, {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "new" },
      spec: { schedule: "0 0 1 1 *", jobTemplate: { spec: jobSpec({ team: "payments" }) } },
    }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer makes a template without a label that is required there",
    by: "dev",
    asks: create("/apis/apps/v1/namespaces/regulated/deployments", deployment({})),
    outcome: "refused",
    says: /label cost-center is required on this pod template/,
  },
  ...["replicaset", "replication", "statefulset", "daemon-set", "job"].map((name) => ({
    title: `the ${name} controller makes a pod of a template that was let in`,
    by: `system:serviceaccount:kube-system:${name}-controller`,
    asks: create(pods("shop"), pod({ team: "payments" })),
    outcome: "allowed" as const,
  })),
  {
    title: "the replicaset controller relabels a pod",
    by: "system:serviceaccount:kube-system:replicaset-controller",
    asks: relabel(`${pods("shop")}/plain`, { team: "payments" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "an operator that is no controller of Kubernetes makes a pod in payments",
    by: "system:serviceaccount:shop:deployer",
    asks: create(pods("shop"), pod({ team: "payments" })),
    outcome: "refused",
    says: notAllowed,
  },
  // namespaces
  {
    title: "a developer creates a namespace of payments",
    by: "dev",
    asks: create("/api/v1/namespaces", namespace("new", { team: "payments" })),
    outcome: "refused",
    says: /label team of the namespace/,
  },
  {
    title: "a developer gives a namespace a label of the platform",
    by: "dev",
    asks: relabel("/api/v1/namespaces/shop", { level: "3" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer gives it by its status",
    by: "dev",
    asks: relabel("/api/v1/namespaces/shop/status", { level: "3" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "the platform gives a namespace a label of the platform",
    by: "platform",
    asks: relabel("/api/v1/namespaces/shop", { level: "3" }),
    outcome: "allowed",
  },
  {
    title: "a developer takes away a label of the platform",
    by: "dev",
    asks: relabel("/api/v1/namespaces/regulated", { level: null }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a developer relabels a namespace otherwise",
    by: "dev",
    asks: relabel("/api/v1/namespaces/regulated", { app: "x" }),
    outcome: "allowed",
  },
  // nodes
  {
    title: "a node gives itself a pool",
    by: "system:node:n1",
    asks: relabel("/api/v1/nodes/n1", { "example.com/pool": "general" }),
    outcome: "refused",
    says: /label example.com\/pool of the node/,
  },
  {
    title: "a node gives itself a pool by its status",
    by: "system:node:n1",
    asks: relabel("/api/v1/nodes/n1/status", { "example.com/pool": "pci" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a node joins without a label that it may not give itself",
    by: "system:node:n3",
    asks: create("/api/v1/nodes", node("n3", {})),
    outcome: "allowed",
  },
  {
    title: "a node joins with a pool that it gave itself",
    by: "system:node:n3",
    asks: create("/api/v1/nodes", node("n3", { "example.com/pool": "pci" })),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "a node tells its status",
    by: "system:node:n1",
    asks: { method: "PATCH", path: "/api/v1/nodes/n1/status", body: { status: { phase: "Running" } } },
    outcome: "allowed",
  },
  {
    title: "a developer puts a node into the pool of cards",
    by: "dev",
    asks: relabel("/api/v1/nodes/n1", { "example.com/pool": "pci" }),
    outcome: "refused",
    says: notAllowed,
  },
  {
    title: "the platform puts a node into the pool of cards",
    by: "platform",
    asks: relabel("/api/v1/nodes/n1", { "example.com/pool": "pci" }),
    outcome: "allowed",
  },
  {
    title: "a developer creates a node without a pool",
    by: "dev",
    asks: create("/api/v1/nodes", node("n3", {})),
    outcome: "refused",
    says: /label example.com\/pool is required on this node/,
  },
];

function binding(labels: Labels, name = "plain") {
  return {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name, labels },
    target: { apiVersion: "v1", kind: "Node", name: "n1" },
  };
}

const users = [
  { name: "dev", groups: ["developers"] },
  { name: "ann", groups: [] },
  { name: "lead", groups: ["payments-leads"] },
  { name: "platform", groups: ["platform"] },
  { name: "system:node:n1", groups: ["system:nodes"] },
  { name: "system:node:n3", groups: ["system:nodes"] },
  { name: "system:serviceaccount:ci:deployer", groups: [] },
  { name: "system:serviceaccount:shop:deployer", groups: [] },
  ...["replicaset", "replication", "statefulset", "daemon-set", "job"].map((name) => ({
    name: `system:serviceaccount:kube-system:${name}-controller`,
    groups: [],
  })),
  // RBAC lets everybody do everything here: what is refused, the taxonomy refuses.
].map(({ name, groups }) => ({ name, groups: [...groups, "system:masters"] }));

const controllers = [
  "namespace-controller,serviceaccount-controller,serviceaccount-token-controller,garbage-collector-controller",
  "deployment-controller,replicaset-controller,statefulset-controller,job-controller,replicationcontroller-controller",
].join(",");

const places = [
  create("/api/v1/namespaces", namespace("shop", {})),
  create("/api/v1/namespaces", namespace("regulated", { regulated: "yes", level: "2" })),
  create("/api/v1/nodes", node("n1", {})),
];
const objects = [
  create(pods("shop"), pod({}, "plain")),
  create(pods("shop"), pod({ team: "shop" }, "mine")),
  create(pods("shop"), pod({ team: "payments" }, "paid")),
  create(pods("shop"), pod({ team: "legacy" }, "legacy")),
  create(pods("regulated"), pod({}, "unpaid")),
  create(pods("regulated"), pod({ tier: "test" }, "exempt")),
  create(pods("regulated"), pod({ "cost-center": "7" }, "charged")),
  create(deployments, deployment({}, "web", { replicas: 0 })),
  create(deployments, deployment({ team: "payments" }, "pay", { replicas: 0 })),
];

const selector = (plural: string) => ({ matchLabels: { made: plural } });
const made = (plural: string) => template({ team: "payments", made: plural });
const workloads = [
  ...["Deployment", "ReplicaSet", "StatefulSet"].map((kind) => {
    const plural = `${kind.toLowerCase()}s`;
    return { kind, plural, where: "/apis/apps/v1", spec: { selector: selector(plural), template: made(plural) } };
  }),
  {
    kind: "ReplicationController",
    plural: "replicationcontrollers",
    where: "/api/v1",
    spec: { template: made("replicationcontrollers") },
  },
  { kind: "Job", plural: "jobs", where: "/apis/batch/v1", spec: jobSpec({ team: "payments", made: "jobs" }) },
];

describe("requests under a label taxonomy", function () {
  this.timeout(60_000);
  const server = needsApiServer({ users, flags: ["--controllers", controllers] });
  const never = new AbortController().signal;
  const admin = () => new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
  const reconcile = async () =>
    assert.deepEqual([...(await reconcileTaxonomies(new TaxonomyCluster(admin()), 0, never))], []);

  before(async () => {
    for (const asked of places) await done(server(), asked);
    for (const name of ["shop", "regulated"])
      await until(
        `service account of ${name}`,
        async () => {
          const reply = await server().request("GET", `/api/v1/namespaces/${name}/serviceaccounts/default`);
          return reply.status === 200;
        },
        20_000,
      );
    for (const asked of objects) await done(server(), asked);
    await installTaxonomies(server());
    await done(server(), create(taxonomiesPath, company));
    await reconcile();
    for (const { by, asks, outcome } of cases)
      if (outcome === "refused")
        await until("each policy to be in force", async () => (await ask(server(), by, asks)).outcome === outcome);
  });

  for (const { title, by, asks, outcome, says = /^/ } of cases)
    it(`${outcome}: ${title}`, async () => {
      const answer = await ask(server(), by, asks);
      assert.equal(answer.outcome, outcome, answer.says);
      assert.match(answer.says, says);
    });

  for (const { plural, kind, spec, where } of workloads)
    it(`lets the controllers of Kubernetes make the pods of a ${kind} whose author may`, async () => {
      const metadata = { name: `made-by-${plural}` };
      const body = { apiVersion: where.replace("/apis/", "").replace("/api/", ""), kind, metadata, spec };
      await done(server(), create(`${where}/namespaces/shop/${plural}`, body), "lead");
      await until(
        `a pod of the ${kind}`,
        async () => {
          const { body } = await server().request("GET", `${pods("shop")}?labelSelector=team=payments,made=${plural}`);
          return (body as { readonly items: readonly unknown[] }).items.length > 0;
        },
        20_000,
      );
    });

  it("lets everything through again once the taxonomy is gone", async () => {
    await done(server(), { method: "DELETE", path: `${taxonomiesPath}/company` });
    await reconcile();
    for (const { title, by, asks } of cases)
      await until(`"${title}" to be let through`, async () => (await ask(server(), by, asks)).outcome === "allowed");
  });
});
