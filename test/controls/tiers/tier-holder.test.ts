import assert from "node:assert/strict";
import { openTierHolder } from "../../../bin/controls/tier-holder.ts";
import { finalizersOf, tierFinalizer } from "../../../controls/tiers/finalizer.ts";
import { TierHolder } from "../../../controls/tiers/tier-holder.ts";
import { systemClock } from "../../../core/clock.ts";
import { parseConfig } from "../../../core/config.ts";
import { ApiError, type ApiRequest } from "../../../core/kube/api/api.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import type { ObjectSource } from "../../../core/kube/watch.ts";
import { plainLog, silentLog } from "../../../core/log.ts";
import { policyResources } from "../../../policy/kinds/custom-resources.ts";
import { apply, applyCrds, manifestOf } from "../../support/apply.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { bound, clusterRole, namespaceObject, rule } from "../../support/rbac.ts";
import { until } from "../../support/until.ts";

const group = "/apis/projectcalico.org/v3";
const kinds = policyResources.map(({ plural }) => plural);

it("controls/tiers/tier-holder ends though the API server does not answer", async () => {
  const stop = new AbortController();
  let asked = false;
  const silent = (_path: string, { signal }: ApiRequest = {}) => {
    asked = true;
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(new ApiError("aborted", 0)), { once: true });
    });
  };
  const tier = { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "a" }, spec: {} };
  const objects: ObjectSource = {
    name: "one tier",
    watch: async function* () {
      yield await Promise.resolve([{ type: "upsert" as const, object: tier }, { type: "synced" as const }]);
    },
  };
  const api = { get: silent, send: () => Promise.reject(new Error("nothing is to be written")) };
  const running = new TierHolder({ api, objects, clock: systemClock, log: silentLog }).run(stop.signal);
  await until("it to ask", () => asked);
  stop.abort();
  await running;
});

describe("controls/tiers/tier-holder on a Kubernetes API server", function () {
  this.timeout(60_000);
  const server = needsApiServer({
    users: [
      { name: "sluice", groups: [] },
      { name: "plat", groups: [] },
    ],
  });
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  before(async () => {
    await applyCrds(server());
    await apply(server(), manifestOf("admission/tier-finalizer.yaml"));
    await apply(server(), [
      namespaceObject("shop"),
      // All that it needs.
      clusterRole(
        "holder",
        rule(kinds, ["list", "watch"]),
        rule(["tiers"], ["get", "list", "watch", "patch"]),
        rule(["tiers/finalizers"], ["update"]),
      ),
      bound("holder", "user:sluice"),
      clusterRole("platform", rule(["tiers"], ["get", "update", "patch", "delete"])),
      bound("platform", "user:plat"),
    ]);
    const flags = { "objects.source": "api", "objects.kubeconfig": server().kubeconfig("sluice") };
    const config = parseConfig({ flags, env: {} });
    running = openTierHolder({ config, clock: systemClock, log: plainLog("silent", () => {}) }).run(stop.signal);
  });

  after(async () => {
    stop.abort();
    await running;
  });

  const object = (kind: string, name: string, spec: object = {}): KubeObject => ({
    ...{ apiVersion: "projectcalico.org/v3", kind, spec },
    metadata: { name, ...(kind === "NetworkPolicy" && { namespace: "shop" }) },
  });
  const tierOf = async (name: string) => {
    const { status, body } = await server().request("GET", `${group}/tiers/${name}`);
    return status === 404 ? undefined : (body as KubeObject);
  };
  const isHeld = async (name: string) => finalizersOf((await tierOf(name)) as KubeObject).includes(tierFinalizer);
  const made = async (name: string) => {
    await apply(server(), [object("Tier", name)]);
    await until("the tier to be held", () => isHeld(name));
  };
  const remove = (path: string, user = "admin") => server().request("DELETE", `${group}/${path}`, { user });

  it("an empty tier goes at once", async () => {
    await made("empty");
    await remove("tiers/empty", "plat");
    await until("the tier to be gone", async () => (await tierOf("empty")) === undefined);
  });

  it("a tier with policies stays until the last is gone", async () => {
    await made("full");
    await apply(server(), [
      object("NetworkPolicy", "full.a", { tier: "full" }),
      object("GlobalNetworkPolicy", "full.b", { tier: "full" }),
    ]);
    await remove("tiers/full", "plat");
    await remove("namespaces/shop/networkpolicies/full.a");
    await until("the tier to be marked", async () => (await tierOf("full"))?.metadata.deletionTimestamp !== undefined);
    assert.ok(await isHeld("full"));
    await remove("globalnetworkpolicies/full.b");
    await until("the tier to be gone", async () => (await tierOf("full")) === undefined);
  });

  it("nobody else takes the finalizer off", async () => {
    await made("kept");
    const body = { metadata: { finalizers: null } };
    const type = "application/merge-patch+json";
    const asked = () => server().request("PATCH", `${group}/tiers/kept`, { user: "plat", body, type });
    await until("the finalizer to be guarded", async () => (await asked()).status === 403);
    await until("it to be put on again, if it was off", () => isHeld("kept"));
  });

  it("built-in tiers are left alone", async () => {
    await apply(server(), [object("Tier", "default", { order: 1_000_000, defaultAction: "Deny" })]);
    await made("later");
    assert.ok(!(await isHeld("default")));
  });
});
