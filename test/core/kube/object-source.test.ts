import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../core/clock.ts";
import { Api } from "../../../core/kube/api/api.ts";
import { connectionOf } from "../../../core/kube/api/connection.ts";
import { pathOf, type Resource } from "../../../core/kube/api/resource.ts";
import { ApiSource } from "../../../core/kube/api/source.ts";
import { folderSource } from "../../../core/kube/folder.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { objectSourceContract } from "./object-source.contract.ts";

describe("a folder as a source of objects", function () {
  this.timeout(20_000);
  let path: string;
  afterEach(() => rm(path, { recursive: true }));

  objectSourceContract(async () => {
    path = await mkdtemp(join(tmpdir(), "sluice-objects-"));
    const fileOf = ({ metadata }: KubeObject) => join(path, `${metadata.name}.yaml`);
    return {
      source: (options) => folderSource({ ...options, path, clock: systemClock, debounceMs: 10 }),
      write: (object) => writeFile(fileOf(object), JSON.stringify(object)),
      remove: (object) => rm(fileOf(object)),
    };
  });
});

describe("an API server as a source of objects", function () {
  this.timeout(20_000);
  const server = needsApiServer();
  const policies: Resource = {
    ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", plural: "networkpolicies" },
    fields: { metadata: { name: true, namespace: true, uid: true, labels: true }, spec: true },
    isRequired: true,
  };
  const collection = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";

  objectSourceContract(async () => {
    const api = new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
    await api.send("DELETE", collection);
    const { items } = (await api.get(pathOf(policies))) as { readonly items: readonly unknown[] };
    assert.deepEqual(items, []);
    return {
      source: (options) =>
        new ApiSource({ ...options, api, resources: [policies], clock: systemClock, random: Math.random }),
      write: async (object) => {
        const query = { fieldManager: "test", force: "true" };
        const type = "application/apply-patch+yaml";
        await api.send("PATCH", `${collection}/${object.metadata.name}`, { body: object, type, query });
      },
      remove: async ({ metadata }) => void (await api.send("DELETE", `${collection}/${metadata.name}`)),
    };
  });
});
