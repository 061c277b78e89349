import assert from "node:assert/strict";
import { crdOf } from "../../policy/crd.ts";
import { type CustomResource, customResources } from "../../policy/kinds/custom-resources.ts";
import { specs } from "../support/custom-resource-specs.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { until } from "../support/until.ts";

const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

describe("custom resource definitions in a Kubernetes API server", function () {
  this.timeout(60_000);
  const server = needsApiServer();

  before(async () => {
    for (const resource of customResources) {
      const { status, body } = await server().request("POST", crds, { body: crdOf(resource) });
      assert.equal(status, 201, JSON.stringify(body));
    }
    for (const resource of customResources)
      await until(
        `the kind ${resource.kind}`,
        async () => (await server().request("GET", pathOf(resource))).status === 200,
      );
  });

  const create = (resource: CustomResource, body: object, query = "?dryRun=All&fieldValidation=Strict") =>
    server().request("POST", `${pathOf(resource)}${query}`, { body });

  it("are served as they are meant: nothing was left out", async () => {
    for (const resource of customResources) {
      const { group, plural } = resource;
      const { body } = await server().request("GET", `${crds}/${plural}.${group}`);
      const { spec, status } = body as { spec: { names: object }; status: { conditions: readonly Condition[] } };
      const names = (crdOf(resource)["spec"] as { names: object }).names;
      assert.deepEqual(spec.names, names);
      assert.deepEqual(
        status.conditions.filter(({ type, status }) => type === "NonStructuralSchema" && status === "True"),
        [],
      );
    }
  });

  for (const resource of customResources) {
    const { good = [], bad = [] } = specs[resource.kind] ?? {};
    it(`let the server take every good ${resource.kind} (${good.length}) and refuse every bad one (${bad.length})`, async () => {
      for (const spec of good) {
        const { status, body } = await create(resource, objectOf(resource, spec));
        assert.equal(status, 201, `${JSON.stringify(spec)}: ${JSON.stringify(body)}`);
      }
      for (const spec of bad) {
        const { status } = await create(resource, objectOf(resource, spec));
        assert.ok(status === 400 || status === 422, `${JSON.stringify(spec)}: ${status}`);
      }
    });
  }

  // What the server decides by CEL.
  for (const { title, kind, name = "p", spec, says } of [
    { title: "a tier's name with a dot", kind: "Tier", name: "a.b", spec: {}, says: "is a label" },
    { title: "another order of the default tier", kind: "Tier", name: "default", spec: {}, says: "has order 1000000" },
    { title: "a name with two dots", kind: "NetworkPolicy", name: "a.b.c", spec: {}, says: "at most one dot" },
    {
      title: "preDNAT without applyOnForward",
      kind: "GlobalNetworkPolicy",
      spec: { preDNAT: true },
      says: "need applyOnForward",
    },
    {
      title: "types of ICMP in a rule about TCP",
      kind: "GlobalNetworkPolicy",
      spec: { ingress: [{ action: "Allow", protocol: "TCP", icmp: { type: 8 } }] },
      says: "ICMP",
    },
    {
      title: "fields beside stagedAction: Delete",
      kind: "StagedNetworkPolicy",
      spec: { stagedAction: "Delete", order: 1 },
      says: "nothing but the tier",
    },
    { title: "a host endpoint that is nowhere", kind: "HostEndpoint", spec: { node: "n" }, says: "interfaceName" },
  ])
    it(`refuse ${title}`, async () => {
      const resource = resourceOf(kind);
      const { status, body } = await create(resource, objectOf(resource, spec, name));
      assert.equal(status, 422, JSON.stringify(body));
      assert.ok((body as Status).message.includes(says), (body as Status).message);
    });

  describe("of a policy", () => {
    const policies = resourceOf("GlobalNetworkPolicy");
    const path = (name: string) => `${pathOf(policies)}/${name}`;
    const stored = async (name: string, object: object) => {
      const { status, body } = await create(policies, { ...objectOf(policies, {}, name), ...object }, "");
      assert.equal(status, 201, JSON.stringify(body));
      return body as { readonly spec: { readonly tier: string } };
    };
    const patched = (name: string, body: object, part = "") =>
      server().request("PATCH", `${path(name)}${part}`, { body, type: "application/merge-patch+json" });

    it("without a spec stands in the default tier", async () => {
      const { spec } = await stored("bare", { spec: undefined });
      assert.equal(spec.tier, "default");
    });

    for (const { title, from, to, status } of [
      { title: "moved to another tier", from: { tier: "security" }, to: { tier: "app" }, status: 422 },
      { title: "moved to the default tier by leaving it out", from: { tier: "team" }, to: { tier: null }, status: 422 },
      { title: "moved out of the tier that nobody named", from: {}, to: { tier: "security" }, status: 422 },
      { title: "named its tier at last", from: {}, to: { tier: "default" }, status: 200 },
      { title: "changed within its tier", from: { tier: "security" }, to: { order: 7 }, status: 200 },
    ])
      it(`${status === 200 ? "may be" : "is never"} ${title}`, async () => {
        const name = title.replaceAll(" ", "-");
        await stored(name, { spec: from });
        assert.equal((await patched(name, { spec: to })).status, status);
      });

    it("can be listed by tier", async () => {
      await stored("listed-1", { spec: { tier: "listed" } });
      await stored("listed-2", { spec: { tier: "elsewhere" } });
      const { body } = await server().request("GET", `${pathOf(policies)}?fieldSelector=spec.tier%3Dlisted`);
      const { items } = body as { readonly items: readonly { readonly metadata: { readonly name: string } }[] };
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ["listed-1"],
      );
    });

    it("has conditions that only its status takes", async () => {
      await stored("told", { spec: {} });
      const conditions = [
        { type: "Accepted", status: "True", reason: "Ok", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" },
      ];
      const ofSpec = (await patched("told", { status: { conditions } })).body as { readonly status?: unknown };
      assert.equal(ofSpec.status, undefined);
      const ofStatus = (await patched("told", { status: { conditions } }, "/status")).body as { status: unknown };
      assert.deepEqual(ofStatus.status, { conditions });
    });
  });

  it("stand together as category sluice, and none takes netpol from Kubernetes", async () => {
    for (const { group, version } of customResources) {
      const { body } = await server().request("GET", `/apis/${group}/${version}`);
      const { resources } = body as { readonly resources: readonly Discovered[] };
      for (const { name, shortNames = [], categories = [] } of resources.filter(({ name }) => !name.includes("/"))) {
        assert.deepEqual(categories, ["sluice"], name);
        assert.ok(!shortNames.includes("netpol"), name);
      }
    }
  });
});

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface Status {
  readonly message: string;
}

interface Discovered {
  readonly name: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

function resourceOf(kind: string): CustomResource {
  const found = customResources.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found;
}

function pathOf({ group, version, plural, scope }: CustomResource): string {
  return `/apis/${group}/${version}/${scope === "Namespaced" ? "namespaces/default/" : ""}${plural}`;
}

function objectOf({ group, version, kind }: CustomResource, spec: object, name = "p"): object {
  return { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
}
