import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { nodeTeller } from "../../../bin/controls/node-teller.ts";
import type { NodeStatus } from "../../../bin/node-status.ts";
import { resources } from "../../../bin/objects/resources.ts";
import type { TimedCondition } from "../../../controls/conditions.ts";
import { StatusWriter } from "../../../controls/object-status/status-writer.ts";
import { systemClock } from "../../../core/clock.ts";
import { Api } from "../../../core/kube/api/api.ts";
import { connectionOf } from "../../../core/kube/api/connection.ts";
import { ApiSource } from "../../../core/kube/api/source.ts";
import { silentLog } from "../../../core/log.ts";
import { Metrics } from "../../../core/metrics.ts";
import { World } from "../../../policy/world.ts";
import { applyCrds } from "../../support/apply.ts";
import { done } from "../../support/kube-requests.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { until } from "../../support/until.ts";

const group = "/apis/projectcalico.org/v3";
const policies = `${group}/globalnetworkpolicies`;

const policy = (spec: object) => ({
  apiVersion: "projectcalico.org/v3",
  kind: "GlobalNetworkPolicy",
  metadata: { name: "default.web" },
  spec: { selector: "app == 'web'", ...spec },
});
const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } };

const never = new AbortController().signal;

/** As a node tells it that has these rules. */
const enforcing = (revision: string): NodeStatus => ({
  ...{ type: "node-status", node: "n1", writtenAt: systemClock.now(), stoppedAt: null, pid: 1, version: "1" },
  ...{ mode: "enforce", open: false, appliedAt: 0, applyMs: 1, applies: 1, failures: 0, failure: null, drifts: 0 },
  revision: { wanted: revision, due: revision, applied: revision },
  ...{ size: { rules: 1, sets: 0, elements: 0 }, problems: [], probe: null, lastArrival: null },
});

describe("status of policies and tiers in an API server", function () {
  this.timeout(60_000);
  const server = needsApiServer();
  const api = () => new Api(connectionOf({ kubeconfig: server().kubeconfig() }));

  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  /** A watcher, until the end of the test at most. */
  function watching() {
    const stop = new AbortController();
    const [world, metrics] = [new World(), new Metrics()];
    const source = new ApiSource({ api: api(), resources, clock: systemClock, log: silentLog, random: Math.random });
    const writer = new StatusWriter({ api: api(), clock: systemClock, log: silentLog, metrics });
    const follow = async () => {
      for await (const changes of source.watch(stop.signal)) {
        world.apply(changes);
        const endpoints = () => world.placement().endpoints.values();
        writer.take(changes, { revision: world.program().revision, endpoints });
      }
    };
    const ended = Promise.all([follow(), writer.run(stop.signal)]);
    const writes = async () => Number(/^sluice_status_writes_total (\d+)/m.exec(await metrics.text())?.[1] ?? 0);
    const end = async () => {
      stop.abort();
      await ended;
    };
    ends.push(end);
    return { world, writes, end };
  }

  const conditions = async (path: string) => {
    const { body } = await server().request("GET", path);
    const { status } = body as { readonly status?: { readonly conditions?: readonly TimedCondition[] } };
    return status?.conditions ?? [];
  };
  const untilItSays = (path: string, ...says: readonly RegExp[]) =>
    until(`${path} to say ${says.join(" and ")}`, async () => {
      const found = (await conditions(path)).map(
        ({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`,
      );
      return says.every((one) => found.some((line) => one.test(line)));
    });

  before(async () => {
    await applyCrds(server());
    await done(server(), { method: "POST", path: "/api/v1/nodes", body: node });
    await done(server(), { method: "POST", path: policies, body: policy({ tier: "default" }) });
  });

  it("follows what nodes say of themselves, and what becomes of the policy", async () => {
    const { world } = watching();
    const path = `${policies}/default.web`;
    await untilItSays(path, /^Accepted True SelectsNothing/, /^Programmed False NoNode: on 0 of 1 nodes/);
    const { revision } = world.program();
    await nodeTeller({ api: api(), clock: systemClock })(enforcing(revision), never);
    await untilItSays(path, new RegExp(`^Programmed True AllNodes: on 1 of 1 nodes since revision ${revision}$`));
    await done(server(), { method: "PATCH", path, body: { spec: { selector: "app == 'api'" } } });
    await untilItSays(path, /^Programmed False NoNode: on 0 of 1 nodes .* not on n1$/);
    await nodeTeller({ api: api(), clock: systemClock })(enforcing(world.program().revision), never);
    await untilItSays(path, /^Programmed True AllNodes/);
  });

  it("leaves what a kubelet says of the node as it is", async () => {
    const body = { status: { conditions: [{ type: "Ready", status: "True", reason: "a", message: "b" }] } };
    const path = "/api/v1/nodes/n1/status";
    await server().request("PATCH", path, { body, type: "application/strategic-merge-patch+json" });
    await nodeTeller({ api: api(), clock: systemClock })(enforcing("0a"), never);
    const said = async () => (await conditions("/api/v1/nodes/n1")).map(({ type, message }) => `${type}: ${message}`);
    assert.deepEqual((await said()).sort(), ["Ready: b", "SluicePolicyEnforced: revision 0a"]);
  });

  it("is written when there is such an object, where there was none before", async () => {
    const [stop, metrics, world] = [new AbortController(), new Metrics(), new World()];
    const writer = new StatusWriter({ api: api(), clock: systemClock, log: silentLog, metrics });
    const ended = writer.run(stop.signal);
    ends.push(async () => {
      stop.abort();
      await ended;
    });
    const early = { ...policy({ tier: "default" }), metadata: { name: "default.early" } };
    const take = () => {
      world.apply([{ type: "upsert", object: early }]);
      const endpoints = () => world.placement().endpoints.values();
      writer.take([{ type: "upsert", object: early }], { revision: world.program().revision, endpoints });
    };
    take();
    const asked = () => /default\.early\/status/.test(readFileSync(server().auditLog, "utf8"));
    await until("the server to be asked", asked);
    await done(server(), { method: "POST", path: policies, body: early });
    await until("the status to be written", async () => {
      take();
      return (await conditions(`${policies}/default.early`)).length > 0;
    });
    assert.match(await metrics.text(), /^sluice_status_writes_total 1$/m);
    await done(server(), { method: "DELETE", path: `${policies}/default.early` });
  });

  it("is written once, also by one that begins anew", async () => {
    const first = watching();
    await until("objects to be known", () => first.world.nodes().size > 0);
    const { revision } = first.world.program();
    await nodeTeller({ api: api(), clock: systemClock })(enforcing(revision), never);
    const settled = new RegExp(`^Programmed True AllNodes: on 1 of 1 nodes since revision ${revision}$`);
    await untilItSays(`${policies}/default.web`, settled);
    await first.end();
    const version = async () => {
      const { body } = await server().request("GET", `${policies}/default.web`);
      return (body as { readonly metadata: { readonly resourceVersion: string } }).metadata.resourceVersion;
    };
    const written = await version();
    const second = watching();
    await until("objects to be known", () => second.world.nodes().size > 0);
    // A tier that comes is written, and by then the policy would have been.
    const tier = { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "t" }, spec: { order: 5 } };
    await done(server(), { method: "POST", path: `${group}/tiers`, body: tier });
    await untilItSays(`${group}/tiers/t`, /^Accepted True Empty/);
    assert.equal(await version(), written);
    assert.ok((await second.writes()) <= 2, "the tier, and its nodes");
  });
});
