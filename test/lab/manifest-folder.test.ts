import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManifestFolder } from "../../lab/manifest-folder.ts";
import { pod } from "./objects.ts";

const two = `# Two pods.
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: { app: web } # the shop window
---
apiVersion: v1
kind: Pod
metadata:
  name: db
  namespace: shop
`;

describe("a folder of manifests", () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), "sluice-manifests-"));
    await writeFile(join(path, "pods.yaml"), two);
  });
  afterEach(() => rm(path, { recursive: true }));

  const names = async () => (await new ManifestFolder(path).objects()).map(({ metadata }) => metadata.name);
  const text = () => readFile(join(path, "pods.yaml"), "utf8");

  it("holds the objects of all documents", async () => assert.deepEqual(await names(), ["web", "db"]));

  it("loses one document and keeps the others as they were", async () => {
    await new ManifestFolder(path).remove("v1/Pod/shop/db");
    assert.equal(await text(), two.slice(0, two.indexOf("---")));
  });

  it("loses a file with its last object", async () => {
    const folder = new ManifestFolder(path);
    await folder.remove("v1/Pod/shop/web");
    await folder.remove("v1/Pod/shop/db");
    assert.deepEqual(await readdir(path), []);
  });

  it("takes a new object in a file of its own", async () => {
    await new ManifestFolder(path).add(pod("shop/new", { ips: ["10.244.1.9"] }));
    assert.deepEqual((await names()).sort(), ["db", "new", "web"]);
    assert.deepEqual(await readdir(path), ["pod-shop-new.yaml", "pods.yaml"]);
  });

  it("changes labels and keeps comments", async () => {
    const object = await new ManifestFolder(path).patchLabels("v1/Pod/shop/web", { quarantine: "true", app: null });
    assert.deepEqual(object.metadata.labels, { quarantine: "true" });
    assert.match(await text(), /labels: \{ quarantine: "true" \} # the shop window/);
  });

  it("gives labels to an object that had none", async () => {
    const object = await new ManifestFolder(path).patchLabels("v1/Pod/shop/db", { app: "db" });
    assert.deepEqual(object.metadata.labels, { app: "db" });
  });

  it("says which object is missing", () =>
    assert.rejects(new ManifestFolder(path).remove("v1/Pod/shop/nobody"), {
      code: "LAB_FAILED",
      message: /v1\/Pod\/shop\/nobody/,
    }));

  it("says that there is no such folder", () =>
    assert.rejects(new ManifestFolder(join(path, "nowhere")).objects(), {
      code: "MANIFEST_INVALID",
      message: /the folder of manifests cannot be read: ENOENT/,
    }));

  it("names the file that does not parse", async () => {
    await writeFile(join(path, "broken.yaml"), "a: [");
    await assert.rejects(new ManifestFolder(path).objects(), { code: "MANIFEST_INVALID", message: /broken\.yaml/ });
  });
});
