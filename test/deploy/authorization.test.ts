import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { parse, stringify } from "yaml";
import { type Certificates, ReadsServer } from "../../controls/tiers/reads-server.ts";
import { accessOf } from "../../core/kube/api/access.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { plainLog } from "../../core/log.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { apply, applyCrds, deployFolder } from "../support/apply.ts";
import { Authority, type Certificate } from "../support/certificates.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { bound, clusterRole, namespaceObject, rule } from "../support/rbac.ts";
import { until } from "../support/until.ts";

const read = (file: string) => readFileSync(join(deployFolder, "authorization", file), "utf8");
const reading = ["get", "list", "watch"];
const policies = "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies";

it("deploy/authorization asks about every kind of policy", () => {
  const [, list = ""] = /resource in \[([^\]]*)\]/.exec(read("authorization-config.yaml")) ?? [];
  assert.deepEqual(
    [...list.matchAll(/'([a-z]+)'/g)].map(([, plural]) => plural),
    policyResources.map(({ plural }) => plural),
  );
});

/** All may read policies as RBAC has it. */
const accounts = [
  { namespace: "shop", name: "deployer", may: "its tier" },
  { namespace: "shop", name: "app", may: "nothing" },
  { namespace: "kube-system", name: "generic-garbage-collector", may: "everything" },
  { namespace: "sluice-system", name: "sluice-watch", may: "everything" },
] as const;

const serviceAccountObject = (namespace: string, name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { namespace, name },
});

describe("sluice authorize-reads beside a Kubernetes API server", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "sluice-authorize-reads-"));
  let reads: ReadsServer;
  const server = needsApiServer(async () => {
    reads = await readsServer();
    return {
      users: [
        { name: "sec", groups: ["authors", "security-team"] },
        { name: "all", groups: ["authors", "all-tiers"] },
        { name: "lost", groups: ["authors", "all-tiers"] },
      ],
      flags: ["--authorization-config", configured(reads.port)],
    };
  });

  /** As sluice authorize-reads has it, on whatever port is free. */
  async function readsServer(): Promise<ReadsServer> {
    const authority = new Authority(folder, "authority");
    const own = authority.issue("authorizer", { names: "IP:127.0.0.1" });
    authority.issue("apiserver");
    const api = () => new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
    const made = new ReadsServer({
      address: { host: "127.0.0.1", port: 0 },
      certificates: certificatesOf(authority, own),
      accessOf: (subject) =>
        subject.user === "lost" ? () => Promise.reject(new Error("away")) : accessOf(api(), subject),
      log: plainLog("silent", () => {}),
    });
    await made.listen();
    return made;
  }

  function certificatesOf(authority: Pick<Authority, "file">, { certificate, key }: Certificate): Certificates {
    const clientAuthority = readFileSync(authority.file);
    return { certificate: readFileSync(certificate), key: readFileSync(key), clientAuthority };
  }

  /** The files of deploy/authorization, with paths and port as they are here. */
  function configured(port: number): string {
    const [kubeconfig, config] = [join(folder, "authorizer.yaml"), join(folder, "authorization-config.yaml")];
    const written = parse(read("authorizer.yaml")) as {
      clusters: [{ cluster: Record<string, string> }];
      users: [{ user: Record<string, string> }];
    };
    written.clusters[0].cluster = {
      server: `https://127.0.0.1:${port}/`,
      "certificate-authority": join(folder, "authority.pem"),
    };
    written.users[0].user = {
      "client-certificate": join(folder, "apiserver.pem"),
      "client-key": join(folder, "apiserver.key"),
    };
    writeFileSync(kubeconfig, stringify(written));
    writeFileSync(
      config,
      read("authorization-config.yaml").replace("/etc/kubernetes/sluice/authorizer.yaml", kubeconfig),
    );
    return config;
  }

  before(async () => {
    await applyCrds(server());
    const tier = (name: string) =>
      ({
        apiVersion: "projectcalico.org/v3",
        kind: "NetworkPolicy",
        metadata: { name: `${name}.one`, namespace: "shop" },
        spec: { tier: name },
      }) as KubeObject;
    await apply(server(), [
      namespaceObject("shop"),
      clusterRole("base", rule(["networkpolicies"], reading)),
      bound("base", "group:authors"),
      clusterRole(
        "sec",
        rule(["tiers"], ["get"], ["security"]),
        rule(["tier.networkpolicies"], reading, ["security.*"]),
      ),
      bound("sec", "group:security-team"),
      clusterRole("all", rule(["tiers"], ["get"]), rule(["tier.networkpolicies"], reading)),
      bound("all", "group:all-tiers"),
      ...["security", "app"].map(tier),
    ]);
    await apply(server(), [
      ...["kube-system", "sluice-system"].map(namespaceObject),
      ...accounts.map(({ namespace, name }) => serviceAccountObject(namespace, name)),
      ...accounts.map(({ namespace, name }) => bound("base", `user:system:serviceaccount:${namespace}:${name}`)),
      bound("sec", "user:system:serviceaccount:shop:deployer"),
    ]);
    await until("rights to count", async () => (await asked("sec", `${policies}/security.one`)) === 200);
  });

  after(async () => {
    await reads?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const asked = async (user: string, path: string) => (await server().request("GET", path, { user })).status;

  const cases: readonly (readonly [title: string, user: string, path: string, status: number])[] = [
    ["one policy of its tier", "sec", `${policies}/security.one`, 200],
    ["one policy of another tier", "sec", `${policies}/app.one`, 403],
    ["its tier, by field selector", "sec", `${policies}?fieldSelector=spec.tier%3Dsecurity`, 200],
    ["another tier", "sec", `${policies}?fieldSelector=spec.tier%3Dapp`, 403],
    ["everything", "sec", policies, 403],
    [
      "its tier as it changes",
      "sec",
      `${policies}?fieldSelector=spec.tier%3Dsecurity&watch=true&timeoutSeconds=1`,
      200,
    ],
    ["everything as it changes", "sec", `${policies}?watch=true&timeoutSeconds=1`, 403],
    ["everything, with rights in all tiers", "all", policies, 200],
    ["everything, as admin", "admin", policies, 200],
    ["what RBAC refuses anyhow", "sec", "/api/v1/namespaces/shop/pods", 403],
  ];
  for (const [title, user, path, status] of cases)
    it(`${user} reads ${title} -> ${status}`, async () => assert.equal(await asked(user, path), status));

  for (const { namespace, name, may } of accounts)
    it(`the service account ${namespace}/${name} reads ${may}`, async () => {
      const authorization = `Bearer ${await tokenOf(namespace, name)}`;
      const paths = { all: policies, security: `${policies}?fieldSelector=spec.tier%3Dsecurity` };
      const ask = (path: string) => server().request("GET", path, { headers: { authorization } });
      const statuses = [(await ask(paths.all)).status, (await ask(paths.security)).status];
      const expected = { everything: [200, 200], "its tier": [403, 200], nothing: [403, 403] };
      assert.deepEqual(statuses, expected[may]);
    });

  async function tokenOf(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const { body } = await server().request("POST", path, { body: request });
    return (body as { readonly status: { readonly token: string } }).status.token;
  }

  it("says why", async () => {
    const { body } = await server().request("GET", policies, { user: "sec" });
    assert.match(JSON.stringify(body), /name one by the field selector spec\.tier=TIER/);
  });

  it("denies what it cannot look up", async () => assert.equal(await asked("lost", policies), 403));

  it("refuses whoever has no certificate of its authority", async () => {
    const url = `https://127.0.0.1:${reads.port}/`;
    const stranger = new Api({
      server: url,
      options: () => Promise.resolve({ ca: readFileSync(join(folder, "authority.pem")) }),
    });
    await assert.rejects(stranger.send("POST", "/", { body: {} }), /certificate required|ECONNRESET|socket hang up/);
  });

  it("takes a new certificate, and none that is none", async () => {
    const authority = new Authority(mkdtempSync(join(folder, "other-")), "other");
    const serial = async () => {
      const socket = connect({ host: "127.0.0.1", port: reads.port, rejectUnauthorized: false });
      const told = await new Promise<string>((resolve, reject) => {
        socket.once("secureConnect", () => resolve(socket.getPeerX509Certificate()?.serialNumber ?? ""));
        socket.once("error", reject);
      });
      socket.destroy();
      return told;
    };
    const before = await serial();
    const old = { certificate: join(folder, "authorizer.pem"), key: join(folder, "authorizer.key"), both: "" };
    assert.throws(
      () => reads.renew({ certificate: Buffer.from("x"), key: Buffer.from("y") }),
      /no certificate with its key/,
    );
    assert.equal(await serial(), before);
    reads.renew(certificatesOf(authority, authority.issue("authorizer", { names: "IP:127.0.0.1" })));
    assert.notEqual(await serial(), before);
    reads.renew(certificatesOf({ file: join(folder, "authority.pem") }, old));
    assert.equal(await serial(), before);
  });

  it("fails closed when it is away, for these reads only", async () => {
    await reads.close();
    // No answer for this user and path is cached.
    assert.equal(await asked("all", `${policies}/security.one`), 500);
    assert.equal(await asked("admin", policies), 200);
    assert.equal(await asked("sec", "/api/v1/namespaces/shop/pods"), 403);
  });
});
