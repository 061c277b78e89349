import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathOf } from "../../bin/install/place.ts";
import { isServed } from "../../bin/install/served.ts";
import { sluiceVersion } from "../../bin/version.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { readYaml } from "../../core/kube/yaml.ts";
import type { Right } from "../../deploy/objects/component.ts";
import { definitions, namespaceObject, workingObjects } from "../../deploy/objects/installation.ts";
import { nodeRights, readerRights, watchRights } from "../../deploy/objects/rights.ts";
import { valuesOf } from "../../deploy/objects/values.ts";
import { customResources } from "../../policy/kinds/custom-resources.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { until } from "../support/until.ts";

const namespace = "sluice-system";
const everything = {
  config: {
    bus: { brokers: ["kafka:9092"] },
    elasticsearch: { urls: ["https://elasticsearch:9200"] },
    work: { redis: "redis://redis:6379" },
  },
  image: { pullSecrets: [{ name: "pull" }] },
  archive: { storageClass: "fast", secret: "archive" },
  node: { secret: "node" },
};
const objectsFor = (values: object) => workingObjects(valuesOf(sluiceVersion(), values), namespace);
const others = ["archive", "elasticsearch", "work"];

describe("what Sluice deploys, on a Kubernetes API server", function () {
  this.timeout(60_000);
  const server = needsApiServer();
  const api = () => new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
  const apply = async (object: KubeObject, query = "") => {
    const path = `${pathOf(object)}?fieldManager=test&fieldValidation=Strict${query}`;
    const { status, body } = await server().request("PATCH", path, {
      body: object,
      type: "application/apply-patch+yaml",
    });
    return {
      isTaken: status === 200 || status === 201,
      said: `${object.kind} ${object.metadata.name}: ${JSON.stringify(body)}`,
    };
  };
  const applied = async (object: KubeObject, query?: string) => {
    const { isTaken, said } = await apply(object, query);
    assert.ok(isTaken, said);
  };

  before(async () => {
    for (const object of [namespaceObject(namespace), ...definitions()]) await applied(object);
    for (const definition of definitions())
      await until(`${definition.metadata.name} to be served`, () => isServed(api(), definition), 20_000);
    for (const object of objectsFor(everything)) if (lasting.has(object.kind)) await applied(object);
  });

  for (const { title, values } of [
    { title: "as it is by default", values: {} },
    { title: "with everything behind Kafka", values: everything },
    { title: "with collectors alone on nodes", values: { ...everything, node: { enforcement: false } } },
  ])
    it(`is taken by the server, field by field, ${title}`, async () => {
      for (const object of objectsFor(values)) await applied(object, "&dryRun=All");
    });

  for (const file of ["manifests/nodes.yaml", "manifests/kafka.yaml"])
    it(`stands in deploy/${file} as the server takes it`, async () => {
      const text = readFileSync(join(import.meta.dirname, "..", "..", "deploy", file), "utf8");
      for (const { value } of readYaml(text)) await applied(value as KubeObject, "&dryRun=All");
    });

  describe("has pods", () => {
    const podOf = (component: string, values: object, inNamespace: string): KubeObject => {
      const { metadata, spec } = templateOf(component, values);
      return {
        ...{ apiVersion: "v1", kind: "Pod", spec },
        metadata: { labels: metadata.labels, name: component, namespace: inNamespace },
      };
    };
    const create = async (pod: KubeObject) => {
      const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods?dryRun=All`;
      const { status, body } = await server().request("POST", path, { body: pod });
      return { status, message: (body as { readonly message?: string }).message ?? "" };
    };

    before(async () => {
      const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
      await applied({ apiVersion: "v1", kind: "Namespace", metadata: { name: "strict", labels } });
      for (const object of workingObjects(valuesOf(sluiceVersion(), everything), "strict"))
        if (object.kind === "ServiceAccount") await applied(object);
    });

    for (const component of ["enrich", "watch", ...others])
      it(`of ${component} that even Pod Security's strictest level admits`, async () => {
        const { status, message } = await create(podOf(component, everything, "strict"));
        assert.equal(status, 201, message);
      });

    it("of nodes that its own namespace admits and others do not", async () => {
      assert.equal((await create(podOf("node", everything, namespace))).status, 201);
      const { status, message } = await create(podOf("node", everything, "strict"));
      assert.equal(status, 403);
      assert.match(message, /host namespaces .*hostPID/);
    });

    it("of collectors that ask for no more than one capability and the network of the node", async () => {
      const collecting = { ...everything, node: { enforcement: false } };
      const { message } = await create(podOf("node", collecting, "strict"));
      assert.match(message, /must not include "NET_ADMIN" in/);
      assert.doesNotMatch(message, /SYS_ADMIN|hostPID/);
    });
  });

  describe("has rights", () => {
    const as = (component: string) => ({
      "impersonate-user": `system:serviceaccount:${namespace}:sluice-${component}`,
      "impersonate-group": "system:authenticated",
    });

    /** `list projectcalico.org/tiers`, beyond what everybody may. */
    async function rightsOf(headers: Readonly<Record<string, string>>): Promise<readonly string[]> {
      const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } };
      const path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
      const review = (await api().send("POST", path, { body, headers })) as Review;
      const rights = review.status.resourceRules.flatMap(({ verbs, apiGroups, resources }) =>
        verbs.flatMap((verb) => apiGroups.flatMap((group) => resources.map((each) => `${verb} ${group}/${each}`))),
      );
      return [...new Set(rights)].filter((right) => !/\/selfsubject\w*reviews$/.test(right)).sort();
    }

    const told = (rights: readonly Right[]) =>
      rights
        .flatMap(({ group, resources: each, verbs }) =>
          each.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
        )
        .sort();

    for (const { component, rights } of [
      { component: "node", rights: [...readerRights, ...nodeRights] },
      { component: "enrich", rights: readerRights },
      { component: "watch", rights: [...readerRights, ...watchRights] },
    ])
      it(`of ${component} that are those it asks for, and no other`, async () => {
        const wanted = [...new Set(told(rights))];
        await until("the roles to be known", async () => (await rightsOf(as(component))).length >= wanted.length);
        assert.deepEqual(await rightsOf(as(component)), wanted);
      });

    for (const component of others)
      it(`of ${component}: none, and no token to ask with`, async () => {
        assert.deepEqual(await rightsOf(as(component)), []);
        assert.equal(templateOf(component, everything).spec.automountServiceAccountToken, false);
      });

    it("by which every kind of its own can be read", async () => {
      const headers = as("watch");
      for (const { group, version, plural } of customResources)
        await api().get(`/apis/${group}/${version}/${plural}`, { headers });
    });

    it("by which nothing can be changed", async () => {
      const body = { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "mine" } };
      const asked = api().send("POST", "/apis/projectcalico.org/v3/tiers", { body, headers: as("node") });
      await assert.rejects(asked, /403 .* cannot create resource "tiers"/);
    });
  });
});

/** What a workload makes its pods of. */
function templateOf(component: string, values: object): PodTemplate {
  const isIt = ({ kind, metadata }: KubeObject) =>
    /^(Deployment|DaemonSet)$/.test(kind) && metadata.name === `sluice-${component}`;
  const workload = objectsFor(values).find(isIt);
  assert.ok(workload !== undefined, component);
  return (workload["spec"] as { readonly template: PodTemplate }).template;
}

interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly automountServiceAccountToken: boolean };
}

/** What others refer to. */
const lasting = new Set(["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "PriorityClass"]);

interface Review {
  readonly status: {
    readonly resourceRules: readonly {
      readonly verbs: readonly string[];
      readonly apiGroups: readonly string[];
      readonly resources: readonly string[];
    }[];
  };
}
