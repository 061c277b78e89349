import assert from "node:assert/strict";
import { systemClock } from "../../../core/clock.ts";
import { Api } from "../../../core/kube/api/api.ts";
import { connectionOf } from "../../../core/kube/api/connection.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { readManifestFolder } from "../../../core/kube/read-folder.ts";
import { silentLog } from "../../../core/log.ts";
import { labServer } from "../../../lab/api-server/lab-server.ts";
import { settle } from "../../../lab/api-server/settle.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { ObjectStore } from "../../support/object-source.ts";
import { until } from "../../support/until.ts";

const folderOf = (path: string) => new URL(`../../../${path}`, import.meta.url).pathname;

describe("a lab's objects in an API server", function () {
  this.timeout(60_000);
  const server = needsApiServer(labServer);
  const stop = new AbortController();
  let objects: readonly KubeObject[];
  let store: ObjectStore;
  let settling: Promise<void>;

  before(async () => {
    const read = async (path: string) => (await readManifestFolder(folderOf(path), systemClock, () => [])).objects;
    objects = await read("lab/demo");
    store = new ObjectStore([...(await read("deploy/crds")), ...objects]);
    const settled = Promise.withResolvers<void>();
    const api = new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
    const common = { api, clock: systemClock, log: silentLog, signal: stop.signal };
    settling = settle({ ...common, source: store, onSettled: settled.resolve });
    await Promise.race([settled.promise, settling]);
  });
  after(async () => {
    stop.abort();
    await settling;
  });

  const countOf = async (path: string) => {
    const { items } = (await server().request("GET", path)).body as { readonly items: readonly unknown[] };
    return items.length;
  };
  const given = (version: string, kind: string) =>
    objects.filter((object) => object.apiVersion === version && object.kind === kind).length;

  it("are all there, those of kinds installed just before as well", async () => {
    assert.equal(await countOf("/api/v1/pods"), given("v1", "Pod"));
    assert.equal(await countOf("/api/v1/nodes"), given("v1", "Node"));
    assert.equal(await countOf("/apis/projectcalico.org/v3/tiers"), given("projectcalico.org/v3", "Tier"));
    assert.equal(
      await countOf("/apis/projectcalico.org/v3/networkpolicies"),
      given("projectcalico.org/v3", "NetworkPolicy"),
    );
  });

  it("have pods that Services find by their addresses", async () => {
    const ready = async () => {
      const path = "/apis/discovery.k8s.io/v1/namespaces/prod-web/endpointslices";
      const { items } = (await server().request("GET", path)).body as { readonly items: readonly Slice[] };
      return items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions.ready).length >= 2;
    };
    await until("the Service's pods to be ready", ready, 15_000);
  });

  it("follow what becomes of them", async () => {
    const pod = objects.find(({ kind }) => kind === "Pod") as KubeObject;
    const { name, namespace } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const labels = { ...pod.metadata.labels, quarantine: "true" };
    store.change("upsert", { ...pod, metadata: { ...pod.metadata, labels } });
    await until("its label", async () => {
      const { metadata } = (await server().request("GET", path)).body as KubeObject;
      return metadata.labels?.["quarantine"] === "true";
    });
    store.change("delete", pod);
    await until("its end", async () => (await server().request("GET", path)).status === 404);
  });
});

interface Slice {
  readonly endpoints?: readonly { readonly conditions: { readonly ready: boolean } }[];
}
