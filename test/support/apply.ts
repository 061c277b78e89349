import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tierManifests } from "../../controls/tiers/manifests.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { readYaml } from "../../core/kube/yaml.ts";
import type { ApiServer } from "../../lab/api-server/api-server.ts";
import { customResources } from "../../policy/kinds/custom-resources.ts";
import { builtInTiers } from "../../policy/kinds/tier.ts";
import type { Tier } from "../../policy/model.ts";
import { until } from "./until.ts";

export const deployFolder = join(import.meta.dirname, "..", "..", "deploy");

/** The objects of a file of deploy/. */
export function manifestOf(file: string): readonly KubeObject[] {
  return objectsOf(readFileSync(join(deployFolder, file), "utf8"));
}

function objectsOf(text: string): readonly KubeObject[] {
  return readYaml(text).flatMap(({ value, error }) => {
    assert.equal(error, null);
    return value === undefined ? [] : [value as KubeObject];
  });
}

/** Applies objects as `kubectl apply --server-side` does, as admin, in their order. */
export async function apply(server: ApiServer, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const path = `${await pathOf(server, object)}?fieldManager=test&force=true`;
    const { status, body } = await server.request("PATCH", path, {
      body: object,
      type: "application/apply-patch+yaml",
    });
    assert.ok(status < 300, `${object.kind} ${object.metadata.name}: ${JSON.stringify(body)}`);
  }
}

/** The CRDs of deploy/crds, until each is served. */
export async function applyCrds(server: ApiServer): Promise<void> {
  const crds = readdirSync(join(deployFolder, "crds")).flatMap((file) => manifestOf(join("crds", file)));
  await apply(server, crds);
  for (const { group, plural, version } of customResources) {
    const path = `/apis/${group}/${version}/${plural}`;
    await until(`${plural} to be served`, async () => (await server.request("GET", path)).status === 200, 10_000);
  }
}

/** CRDs, roles, admission policies and built-in tiers, until each of those policies refuses what it should. */
export async function applyTierControls(server: ApiServer): Promise<void> {
  await applyCrds(server);
  for (const { file } of tierManifests) await apply(server, manifestOf(file));
  await apply(server, builtInTiers.map(tierObject));
  const refuses = async (method: string, path: string, words: RegExp, body?: object) => {
    const reply = await server.request(method, `${group}/${path}?dryRun=All`, { body });
    return reply.status >= 400 && words.test(JSON.stringify(reply.body));
  };
  const misnamed = { apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "probe" } };
  const body = { ...misnamed, spec: { tier: "security" } };
  await until("names to be checked", () => refuses("POST", "globalnetworkpolicies", /must begin/, body), 20_000);
  await until("tiers to be checked", () => refuses("DELETE", "tiers/default", /is built in/), 20_000);
}

const group = "/apis/projectcalico.org/v3";

function tierObject({ name, order, defaultAction }: Tier): KubeObject {
  const spec = { order, defaultAction: defaultAction === "deny" ? "Deny" : "Pass" };
  return { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name }, spec };
}

/** Its path, by the plural that discovery tells. */
async function pathOf(server: ApiServer, { apiVersion, kind, metadata }: KubeObject): Promise<string> {
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { body } = await server.request("GET", base);
  const { resources } = body as { resources: readonly { name: string; kind: string; namespaced: boolean }[] };
  const found = resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
  assert.ok(found !== undefined, `${apiVersion} has no ${kind}`);
  const namespace = found.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
  return `${base}${namespace}/${found.name}/${metadata.name}`;
}
