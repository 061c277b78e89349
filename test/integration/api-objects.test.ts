import assert from "node:assert/strict";
import { openObjects } from "../../bin/objects/open-objects.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { deleteObject, fillApiServer, installCrds } from "../support/fill-api-server.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { nodeObject } from "../support/objects.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import { EngineLab } from "./engine-lab.ts";

// From a request to an API server to the kernel of a node, and back as a flow.
const ports = [{ containerPort: 8080 }];
const nodes = [1, 2].map((number) => nodeObject(`node-${number}`, [`172.31.0.${number}`], [`10.93.${number}.0/24`]));
const pods = world()
  .pod("shop/web", { app: "web" }, { node: "node-1", ips: ["10.93.1.11"] })
  .pod("shop/db", { app: "db" }, { node: "node-2", ports, ips: ["10.93.2.11"] }).objects;
const quarantine = world().global("quarantine", {
  selector: "app == 'db'",
  ingress: [{ action: "Deny", source: { selector: "app == 'web'" } }],
}).objects;

describe("policies from a Kubernetes API server", function () {
  this.timeout(60_000);
  needsKernel("nft");
  const server = needsApiServer({ flags: ["--controllers", ""] });
  let api: Api;
  const engine = new EngineLab({ name: "apiobj", cluster: [...nodes, ...pods], policies: [] });

  before(async () => {
    api = new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
    await installCrds(api);
    await fillApiServer(api, [...world().namespace("shop").objects, ...nodes, ...pods]);
    const flags = { "objects.source": "api", "objects.kubeconfig": server().kubeconfig() };
    const config = parseConfig({ flags, env: {} });
    const rim = { config, clock: systemClock, log: silentLog, metrics: new Metrics() };
    await engine.up(() => ({ objects: openObjects(rim) }));
  });
  after(() => engine.down());

  const connects = async (sourcePort: number) => {
    const agent = await engine.lab.agent("shop/web");
    const asked = { protocol: "tcp", address: "10.93.2.11", port: 8080, sourcePort, timeoutMs: 200 } as const;
    return (await agent.probe(asked)).connected;
  };

  it("are enforced when they are written, named in flows, and lifted when they are deleted", async () => {
    assert.equal(await connects(21_000), true);
    let port = 21_001;
    await fillApiServer(api, quarantine);
    await until("the denial", async () => !(await connects(port++)), 5_000);
    const flow = await engine.found("the record of it", ({ state }) => state === "denied");
    assert.deepEqual(flow.enforced, ["0|default|gnp:quarantine|deny|0"]);
    for (const policy of quarantine) await deleteObject(api, policy);
    await until("the connection", () => connects(port++), 5_000);
  });

  it("stay in force while the API server is away", async () => {
    await fillApiServer(api, quarantine);
    let port = 22_000;
    await until("the denial", async () => !(await connects(port++)), 5_000);
    await server().stop("SIGKILL");
    assert.equal(await connects(port++), false);
    await server().start();
    for (const policy of quarantine) await deleteObject(api, policy);
    await until("the connection", () => connects(port++), 15_000);
  });
});
