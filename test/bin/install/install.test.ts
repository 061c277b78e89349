import assert from "node:assert/strict";
import { installCommand } from "../../../bin/commands/install.ts";
import { statusCommand } from "../../../bin/commands/status.ts";
import { uninstallCommand } from "../../../bin/commands/uninstall.ts";
import { upgradeCommand } from "../../../bin/commands/upgrade.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { definitions } from "../../../deploy/objects/installation.ts";
import { taxonomyLabel } from "../../../policy/taxonomy/admission.ts";
import { apply } from "../../support/apply.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { until } from "../../support/until.ts";
import { runOn } from "./cluster-rim.ts";

const kinds = definitions().length;
const behindKafka = [
  ...["--set", "config.bus.brokers=[kafka:9092]", "--set", "config.elasticsearch.urls=[https://e:9200]"],
  ...["--set", "config.work.redis=redis://r:6379"],
];

describe("sluice install, upgrade, status and uninstall on a Kubernetes API server", function () {
  this.timeout(120_000);
  const server = needsApiServer();
  const on = (...args: Parameters<typeof runOn> extends [unknown, ...infer Rest] ? Rest : never) =>
    runOn(server(), ...args);
  const apps = "/apis/apps/v1/namespaces/sluice-system";
  const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const policies = "/apis/projectcalico.org/v3/globalnetworkpolicies";
  const admission = "/apis/admissionregistration.k8s.io/v1/validatingadmission";
  const status = async (path: string) => (await server().request("GET", path)).status;
  const get = async (path: string) => (await server().request("GET", path)).body as Loose;

  it("say what is not there, before anything is", async () => {
    const { code, notes } = await on(statusCommand);
    assert.equal(code, 3);
    assert.match(notes.join("\n"), /nothing of Sluice runs in namespace sluice-system/);
    await assert.rejects(on(upgradeCommand), /sluice install has not worked in namespace sluice-system/);
    await assert.rejects(on(uninstallCommand, "--yes"), /has not worked/);
  });

  it("change nothing with --dry-run", async () => {
    const { out } = await on(installCommand, "--dry-run", ...behindKafka);
    assert.match(out, /customresourcedefinition\/tiers.projectcalico.org would be created/);
    assert.match(out, /deployment\/sluice-enrich would be created \(unchecked: its namespace/);
    assert.equal(await status("/api/v1/namespaces/sluice-system"), 404);
    assert.equal(await status(`${crds}/tiers.projectcalico.org`), 404);
  });

  it("say what is missing for a ServiceMonitor", async () => {
    const asked = on(installCommand, "--dry-run", "--set", "serviceMonitor.enabled=true");
    await assert.rejects(asked, /servicemonitor\/sluice: the Prometheus Operator is not in this cluster/);
  });

  it("install kinds and nodes, which block nothing", async () => {
    const { out, notes } = await on(installCommand);
    assert.match(out, /^namespace\/sluice-system created\n/);
    assert.match(out, new RegExp(`^${kinds} kinds are served$`, "m"));
    assert.match(out, /^daemonset\/sluice-node created$/m);
    assert.match(out, /^validatingadmissionpolicy\/tier-rbac\.projectcalico\.org created$/m);
    assert.equal((await get("/apis/projectcalico.org/v3/tiers/default")).spec.order, 1_000_000);
    assert.match(notes.join("\n"), /nothing is blocked/);
    assert.equal(await status(policies), 200);
    assert.equal(await status(`${apps}/deployments/sluice-enrich`), 404);
  });

  it("find everything as it should be the second time", async () => {
    const { out } = await on(installCommand);
    assert.deepEqual(
      out.split("\n").filter((line) => line !== "" && !/ unchanged$| kinds are served$/.test(line)),
      [],
    );
  });

  it("check everything with --dry-run where the namespace is there", async () => {
    const { out } = await on(upgradeCommand, "--dry-run", ...behindKafka);
    assert.match(out, /^deployment\/sluice-enrich would be created$/m);
    assert.match(out, /^configmap\/sluice-config would be changed$/m);
    assert.equal(await status(`${apps}/deployments/sluice-enrich`), 404);
  });

  it("add what new values ask for, keep those that were given, and take away what is not wanted any more", async () => {
    const grown = await on(upgradeCommand, ...behindKafka, "--set", "enrich.replicas=3");
    assert.match(grown.out, /^deployment\/sluice-enrich created$/m);
    assert.match(grown.out, /^daemonset\/sluice-node changed$/m); // its settings changed, so its pods are replaced
    await on(upgradeCommand, "--set", "work.replicas=2");
    assert.equal((await get(`${apps}/deployments/sluice-enrich`)).spec.replicas, 3);
    const shrunk = await on(upgradeCommand, "--set", "config.work.redis=''");
    assert.match(shrunk.out, /^deployment\/sluice-work deleted$/m);
    assert.equal(await status(`${apps}/deployments/sluice-enrich`), 200);
  });

  it("tell who else has set a field, and take it over only if asked to", async () => {
    const body = { spec: { replicas: 9 } };
    const path = `${apps}/deployments/sluice-enrich?fieldManager=somebody`;
    await server().request("PATCH", path, { body, type: "application/merge-patch+json" });
    await assert.rejects(
      on(upgradeCommand),
      /deployment\/sluice-enrich: .*somebody.*--force-conflicts takes them over/s,
    );
    await on(upgradeCommand, "--force-conflicts");
    assert.equal((await get(`${apps}/deployments/sluice-enrich`)).spec.replicas, 3);
  });

  it("tell what is not ready, and when all is", async () => {
    const unready = await on(statusCommand, "-o", "jsonl");
    assert.equal(unready.code, 3);
    const states = unready.out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Loose]));
    const wellness = Object.fromEntries(states.map(({ component, isWell }) => [component, isWell]));
    assert.deepEqual(wellness, {
      kinds: true,
      archive: false,
      elasticsearch: false,
      enrich: false,
      node: false,
      watch: false,
    });
    await assert.rejects(on(upgradeCommand, "--wait", "1s"), /not ready in time: .*enrich \(0 of 3\)/);
    await allReady();
    const { code, out } = await on(statusCommand);
    assert.equal(code, 0);
    assert.match(out, /^enrich +Deployment +3 +3 +3 +✓ works +sluice:/m);
    await on(upgradeCommand, "--wait", "1s");
  });

  it("say what stays, and uninstall only what works", async () => {
    await on(upgradeCommand, "--set", "config.enforcer.mode=enforce");
    const kept = { apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "kept" } };
    await server().request("POST", policies, { body: kept });
    const tier = { ...kept, kind: "Tier", metadata: { name: "held", finalizers: ["controls.sluice.dev/policies"] } };
    await server().request("POST", "/apis/projectcalico.org/v3/tiers", { body: tier });
    await assert.rejects(on(uninstallCommand), /Nobody is there to be asked: give --yes/);
    const { out, notes } = await on(uninstallCommand, "--yes");
    assert.match(notes.join("\n"), /PODS THAT START LATER ARE DENIED/);
    assert.match(notes.join("\n"), /The archive stays: persistentvolumeclaim sluice-archive \(100Gi\)/);
    assert.match(out, /^daemonset\/sluice-node deleted$/m);
    assert.equal(await status(`${policies}/kept`), 200);
    assert.equal(await status("/api/v1/namespaces/sluice-system/persistentvolumeclaims/sluice-archive"), 200);
    assert.equal(await status("/apis/rbac.authorization.k8s.io/v1/clusterroles/sluice-reader"), 404);
    assert.equal(await status("/apis/projectcalico.org/v3/tiers/default"), 200);
    // Nobody would let it go any more.
    assert.deepEqual((await get("/apis/projectcalico.org/v3/tiers/held")).metadata.finalizers, undefined);
  });

  it("delete everything if that is wanted, also when it is begun again", async () => {
    await on(installCommand);
    await apply(server(), [policyOf("sluice-labels-team", { [taxonomyLabel]: "team" }), ...keepingLastKind]);
    const last = `${crds}/changepolicies.controls.sluice.dev`;
    const triedDeletion = async () => (await server().request("DELETE", `${last}?dryRun=All`)).status;
    await until("the last kind to be kept", async () => (await triedDeletion()) === 422, 20_000);
    await assert.rejects(on(uninstallCommand, "--delete-everything", "--yes"), /it is kept for now/);
    assert.equal(await status(`${admission}policies/sluice-labels-team`), 404);
    await until("tiers to be gone", async () => (await status("/apis/projectcalico.org/v3/tiers")) === 404, 20_000);
    await server().request("DELETE", `${admission}policybindings/keeping`);
    await until("the last kind to be kept no more", async () => (await triedDeletion()) === 200, 20_000);
    const { notes } = await on(uninstallCommand, "--delete-everything", "--yes");
    assert.match(notes.join("\n"), /All policies, tiers and network sets go/);
    await until("the kinds to be gone", async () => (await status(last)) === 404, 20_000);
    assert.equal(await status(policies), 404);
    await assert.rejects(on(uninstallCommand, "--yes"), /has not worked/);
  });

  describe("beside Calico", () => {
    const elsewhere = ["--namespace", "watched"];

    before(async () => {
      for (const name of ["tiers.projectcalico.org", "felixconfigurations.crd.projectcalico.org"])
        await server().request("POST", crds, { body: definitionOf(name) });
    });

    it("leave its kinds alone and observe", async () => {
      const { out, notes } = await on(installCommand, ...elsewhere);
      assert.doesNotMatch(out, /projectcalico\.org/);
      assert.match(
        notes.join("\n"),
        /Calico is here: the kind tiers\.projectcalico\.org of projectcalico\.org that Sluice did not make/,
      );
      assert.match(notes.join("\n"), /felixconfigurations/);
      const { metadata } = await get(`${crds}/tiers.projectcalico.org`);
      assert.equal(metadata.labels, undefined);
    });

    it("refuse to enforce, and say what to do", async () => {
      const asked = on(upgradeCommand, ...elsewhere, "--set", "config.enforcer.mode=enforce");
      await assert.rejects(asked, /Calico is in this cluster: .*--set config\.enforcer\.mode=observe/s);
    });

    it("delete none of its kinds, and let its tiers go", async () => {
      const tiers = "/apis/projectcalico.org/v3/tiers";
      const metadata = { name: "theirs", finalizers: ["controls.sluice.dev/policies"] };
      await until("tiers to be served", async () => (await status(tiers)) === 200, 20_000);
      const body = { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata };
      assert.equal((await server().request("POST", tiers, { body })).status, 201);
      await on(uninstallCommand, ...elsewhere, "--delete-everything", "--yes");
      assert.equal(await status(`${crds}/tiers.projectcalico.org`), 200);
      assert.equal((await get(`${tiers}/theirs`)).metadata.finalizers, undefined);
    });
  });

  /** As the controllers and kubelets of a cluster would say it. */
  async function allReady(): Promise<void> {
    for (const plural of ["deployments", "daemonsets"]) {
      const { items } = await get(`${apps}/${plural}`);
      for (const { metadata, spec } of items) {
        const [observedGeneration, replicas] = [metadata.generation, spec.replicas ?? 2];
        const done =
          plural === "deployments"
            ? { replicas, updatedReplicas: replicas, readyReplicas: replicas }
            : {
                desiredNumberScheduled: 2,
                updatedNumberScheduled: 2,
                numberReady: 2,
                currentNumberScheduled: 2,
                numberMisscheduled: 0,
              };
        const body = { status: { observedGeneration, ...done } };
        const path = `${apps}/${plural}/${metadata.name}/status`;
        const reply = await server().request("PATCH", path, { body, type: "application/merge-patch+json" });
        assert.equal(reply.status, 200, JSON.stringify(reply.body));
      }
    }
  }
});

// biome-ignore lint/suspicious/noExplicitAny: answers of a server, of which a test looks at some field
type Loose = any;

/** Refuses the deletion of the kind that goes last. */
const keepingLastKind = [
  policyOf("keeping", {}),
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "keeping" },
    spec: { policyName: "keeping", validationActions: ["Deny"] },
  },
];

function policyOf(name: string, labels: Readonly<Record<string, string>>): KubeObject {
  const rule = {
    ...{ apiGroups: ["apiextensions.k8s.io"], apiVersions: ["*"], operations: ["DELETE"] },
    ...{ resources: ["customresourcedefinitions"], resourceNames: ["changepolicies.controls.sluice.dev"] },
  };
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name, labels },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: "false", message: "it is kept for now" }],
    },
  };
}

function definitionOf(name: string): object {
  const [plural = "", ...rest] = name.split(".");
  const group = rest.join(".");
  const kind = `${plural.charAt(0).toUpperCase()}${plural.slice(1, -1)}`;
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  const annotations = group === "projectcalico.org" ? { "api-approved.kubernetes.io": "unapproved" } : {};
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name, annotations },
    spec: {
      ...{ group, scope: "Cluster", names: { kind, plural, singular: kind.toLowerCase() } },
      versions: [{ name: "v3", served: true, storage: true, schema }],
    },
  };
}
