import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { labServer } from "../../lab/api-server/lab-server.ts";
import { settle } from "../../lab/api-server/settle.ts";
import { apply, applyTierControls } from "../support/apply.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { ObjectStore } from "../support/object-source.ts";
import { until } from "../support/until.ts";
import { objectsThat, UpLab } from "./up-lab.ts";

// From a user's request to the packet that is dropped, and to who did it: API server, admission, `sluice up`, kernel, archive.

const policies = "/apis/projectcalico.org/v3/namespaces/lab/networkpolicies";
const denial: KubeObject = {
  ...{ apiVersion: "projectcalico.org/v3", kind: "NetworkPolicy" },
  metadata: { namespace: "lab", name: "security.no-b" },
  spec: { tier: "security", order: 1, selector: "app == 'b'", types: ["Ingress"], ingress: [{ action: "Deny" }] },
};
const security: readonly KubeObject[] = [
  {
    ...{ apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "security" } },
    spec: { order: 50, defaultAction: "Pass" },
  },
  {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name: "security" } },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "sluice-security" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "security" }],
  },
  {
    ...{ apiVersion: "controls.sluice.dev/v1alpha1", kind: "ChangePolicy", metadata: { name: "security" } },
    spec: { appliesTo: [{ tiers: ["security"] }], allow: [{ actors: { groups: ["security"] } }] },
  },
];
const rounds = 20;

describe("a policy that a user applies to an API server", function () {
  this.timeout(120_000);
  needsKernel("nft");
  const server = needsApiServer({ ...labServer, users: [{ name: "sam", groups: ["security"] }] });
  const stop = new AbortController();
  let settling: Promise<void> = Promise.resolve();
  let lab: UpLab;

  before(async () => {
    await applyTierControls(server());
    await apply(server(), security);
    const settled = Promise.withResolvers<void>();
    const api = new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
    const common = { api, clock: systemClock, log: silentLog, signal: stop.signal };
    settling = settle({ ...common, source: new ObjectStore(objectsThat("Allow")), onSettled: settled.resolve });
    await Promise.race([settled.promise, settling]);
    const objects = ["--objects.source", "api", "--objects.kubeconfig", server().kubeconfig()];
    const quick = ["--collector.window-ms", "500", "--archive.flush-ms", "300"];
    lab = new UpLab(...objects, ...quick, "--audit.log-file", server().auditLog, "--cluster.name", "lab");
    await lab.up();
  });
  after(async () => {
    stop.abort();
    await settling;
    await lab?.down();
  });

  const write = async (user: string, method: string, path: string, body?: KubeObject) => {
    const { status, body: said } = await server().request(method, path, { user, body });
    assert.ok(status < 300, `${user} ${method}: ${JSON.stringify(said)}`);
  };
  const changesOf = async (name: string) => (await lab.kept()).changes.filter(({ control }) => control?.name === name);

  it("is in force in the kernel, named by the flows it denies, and on record with who did it, what it closed, and whether that was authorised", async () => {
    const run = lab.start();
    await lab.ready(run);
    assert.ok(lab.passes());

    await write("sam", "POST", policies, denial);
    await until("the policy to be in force", () => !lab.passes(), 20_000);
    await until(
      "the flow that it denied",
      async () => {
        const { flows } = await lab.kept();
        return flows.some(
          ({ action, enforced }) => action === "deny" && enforced.some((step) => step.includes("no-b|deny")),
        );
      },
      20_000,
    );
    await write("admin", "DELETE", `${policies}/security.no-b`);
    await until("the policy to be gone", () => lab.passes(), 20_000);

    await until("both changes on record", async () => (await changesOf("security.no-b")).length === 2, 20_000);
    const [made, gone] = await changesOf("security.no-b");
    assert.equal(made?.actor?.user, "sam");
    assert.equal(made?.control?.authorised, "yes");
    assert.match(made?.control?.effectWords ?? "", /^closes: /);
    assert.equal(gone?.actor?.user, "admin");
    assert.equal(gone?.control?.authorised, "no");
    assert.match(gone?.control?.effectWords ?? "", /^opens: /);
  });

  it("reaches the kernel soon", async () => {
    let [changedAt, lastAt] = [0, 0];
    await lab.watchRules(() => {
      lastAt = systemClock.monotonic();
      changedAt ||= lastAt;
    });
    const isQuiet = () => systemClock.monotonic() - lastAt > 100;
    const took: number[] = [];
    const request = async (method: string, path: string, body?: KubeObject) => {
      await until("what belongs to the change before to be over", isQuiet);
      changedAt = 0;
      const begin = systemClock.monotonic();
      await write("sam", method, path, body);
      await until("the kernel's rules to change", () => changedAt > 0, 20_000);
      took.push(changedAt - begin);
    };
    for (let round = 0; round < rounds; round++) {
      await request("POST", policies, denial);
      await request("DELETE", `${policies}/security.no-b`);
    }
    const sorted = took.sort((a, b) => a - b).map((ms) => Math.round(ms));
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
    console.log(`      from request to kernel: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms of ${sorted.length}`);
    assert.equal(sorted.length, 2 * rounds);
  });
});
