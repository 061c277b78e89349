import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { systemClock } from "../../../../core/clock.ts";
import { Api } from "../../../../core/kube/api/api.ts";
import { type ApiConnection, connectionOf } from "../../../../core/kube/api/connection.ts";
import type { Resource } from "../../../../core/kube/api/resource.ts";
import { ApiSource, type ApiSourceOptions } from "../../../../core/kube/api/source.ts";
import type { ManifestFault } from "../../../../core/kube/manifest.ts";
import { readYaml } from "../../../../core/kube/yaml.ts";
import { type Log, silentLog } from "../../../../core/log.ts";
import { Followed } from "../../../support/followed.ts";
import { Link } from "../../../support/link.ts";
import { needsApiServer } from "../../../support/needs-api-server.ts";
import { until } from "../../../support/until.ts";

const metadata = { name: true, namespace: true, uid: true, labels: true } as const;
const namespaces: Resource = {
  ...{ apiVersion: "v1", kind: "Namespace", plural: "namespaces" },
  fields: { metadata },
  isRequired: true,
};
const policies: Resource = {
  ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", plural: "networkpolicies" },
  fields: { metadata, spec: true },
  isRequired: true,
};
const sets: Resource = {
  ...{ apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkSet", plural: "globalnetworksets" },
  fields: { metadata, spec: true },
  isRequired: false,
};

const policyPath = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
const setPath = "/apis/projectcalico.org/v3/globalnetworksets";
const crdPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const rolePath = "/apis/rbac.authorization.k8s.io/v1";

const policy = (name: string, app = "web") => ({
  metadata: { name, labels: { app } },
  spec: { podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: { matchLabels: { app } } }] }] },
});

/** What a source says beside its changes. */
class Told {
  readonly warnings: { readonly resource?: string; readonly error?: string; readonly sentence: string }[] = [];
  readonly faults: ManifestFault[] = [];
  readonly mended: ManifestFault[] = [];

  get log(): Log {
    return { ...silentLog, warn: (fields, sentence) => void this.warnings.push({ ...fields, sentence }) };
  }
}

describe("objects of a Kubernetes API server", function () {
  this.timeout(120_000); // it starts several times
  const users = [
    { name: "ann", groups: ["team"] },
    { name: "bob", groups: ["team"] },
  ];
  const server = needsApiServer({ users, flags: ["--watch-timeout", "1", "--controllers", ""] });
  let link: Link;
  let told: Told;
  const following: Followed[] = [];

  before(async () => {
    link = await Link.to(Number(new URL(server().url).port));
  });
  after(() => link?.close());
  beforeEach(() => {
    told = new Told();
  });
  afterEach(async () => {
    link.mend();
    await Promise.all(following.splice(0).map((one) => one.stop()));
  });

  /** Through the link. */
  const connection = (user = "admin"): ApiConnection => ({
    ...connectionOf({ kubeconfig: server().kubeconfig(user) }),
    server: `https://127.0.0.1:${link.port}`,
  });

  const sourceOf = (resources: readonly Resource[], options: Partial<ApiSourceOptions> = {}, given = connection()) =>
    new ApiSource({
      ...{ api: new Api(given), resources, clock: systemClock, random: () => 0, log: told.log },
      onFault: (fault) => told.faults.push(fault),
      onMended: (fault) => told.mended.push(fault),
      ...options,
    });

  const follow = (source: ApiSource) => {
    const followed = new Followed(source);
    following.push(followed);
    return followed;
  };

  const send = async (method: string, path: string, body?: unknown) => {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const { status, body: answer } = await server().request(method, path, { body, type });
    assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  };

  /** All policies there are say the same as what is known of them. */
  const equalsFreshList = async (followed: Followed) => {
    const { items } = (await send("GET", policyPath)) as {
      items: { metadata: { name: string; uid: string }; spec: unknown }[];
    };
    const known = [...followed.objects.values()].filter(({ kind }) => kind === "NetworkPolicy");
    const wordsOf = (all: readonly { readonly metadata: object }[]) =>
      all.map(({ metadata, ...rest }) => {
        const { name, uid, labels } = metadata as { name: string; uid: string; labels: object };
        return JSON.stringify([name, uid, labels, (rest as { spec?: unknown }).spec]);
      });
    assert.deepEqual(wordsOf(known).sort(), wordsOf(items).sort());
  };

  it("have one shape from list and watch, and come in one batch that says when it was all", async () => {
    await send("POST", policyPath, policy("listed"));
    const followed = follow(sourceOf([namespaces, policies]));
    await followed.synced();
    assert.equal(followed.words.at(-1), "synced");
    assert.ok(followed.words.includes("upsert listed") && followed.words.includes("upsert default"));
    await send("POST", policyPath, policy("watched"));
    await followed.told("upsert watched");
    const shapeOf = (name: string) => {
      const { metadata, ...rest } = followed.named(name) ?? assert.fail(name);
      return { ...rest, metadata: Object.keys(metadata).sort() };
    };
    assert.deepEqual(shapeOf("watched"), shapeOf("listed"));
    assert.deepEqual(followed.named("listed")?.["spec"], policy("listed").spec);
    await equalsFreshList(followed);
  });

  it("are followed through the ends of watches without listing them again", async () => {
    const source = sourceOf([policies]);
    const followed = follow(source);
    await followed.synced();
    const begun = systemClock.monotonic();
    // Twice the longest that this server lets a watch last.
    await until("watches to have ended", () => systemClock.monotonic() - begun > 4_000, 10_000);
    await send("POST", policyPath, policy("late"));
    await followed.told("upsert late", 0, 3_000);
    assert.deepEqual(
      source.statuses.map(({ lists, failures }) => [lists, failures]),
      [
        [1, 0],
        [1, 0],
      ],
    );
  });

  it("are caught up with after a time away, and another one of the same name is told from it", async () => {
    await send("POST", policyPath, policy("short-lived"));
    const followed = follow(sourceOf([policies]));
    await followed.synced();
    const before = followed.named("listed")?.metadata.uid;
    const batches = followed.batches.length;
    link.cut();
    await send("DELETE", `${policyPath}/short-lived`);
    await send("DELETE", `${policyPath}/listed`);
    await send("POST", policyPath, policy("listed", "db"));
    link.mend();
    await followed.told("delete short-lived", batches);
    await followed.told("upsert listed", batches);
    assert.notEqual(followed.named("listed")?.metadata.uid, before);
    const words = followed.batches
      .slice(batches)
      .flat()
      .map((change) => change.type);
    assert.deepEqual(words, ["delete", "delete", "upsert"]);
    await equalsFreshList(followed);
    assert.deepEqual(
      told.warnings.map(({ sentence }) => sentence.slice(0, 33)),
      ["the API server is not followed; w"],
    );
  });

  it("are caught up with after a crash of the server, from a new list where it no longer knows what was missed", async () => {
    const source = sourceOf([policies]);
    const followed = follow(source);
    await followed.synced();
    const batches = followed.batches.length;
    link.cut();
    await send("DELETE", `${policyPath}/late`);
    await send("POST", policyPath, policy("before-crash"));
    await server().stop("SIGKILL");
    await server().start();
    await send("POST", policyPath, policy("after-crash"));
    link.mend();
    await followed.told("upsert after-crash", batches);
    await followed.told("delete late", batches);
    await equalsFreshList(followed);
    const [ofPolicies] = source.statuses;
    assert.deepEqual([ofPolicies?.state, ofPolicies?.lists], ["followed", 2]);
  });

  it("are followed anew when a link says nothing for too long", async () => {
    const followed = follow(sourceOf([policies], { idleMs: 1_000 }));
    await followed.synced();
    link.freeze();
    await send("POST", policyPath, policy("while-frozen"));
    await followed.told("upsert while-frozen");
    await equalsFreshList(followed);
  });

  it("keep their last good state while what is written is refused", async () => {
    const validate: ApiSourceOptions["validate"] = ({ metadata }) =>
      metadata.labels?.["app"] === "bad" ? [{ field: "metadata.labels.app", message: "is bad" }] : [];
    const followed = follow(sourceOf([policies], { validate }));
    await followed.synced();
    await send("PATCH", `${policyPath}/listed`, policy("listed", "bad"));
    await until("the fault", () => told.faults.length > 0);
    assert.deepEqual(
      told.faults.map(({ file, field }) => `${file} ${field}`),
      ["networking.k8s.io/v1/NetworkPolicy/default/listed metadata.labels.app"],
    );
    assert.deepEqual(followed.named("listed")?.metadata.labels, { app: "db" });
    await send("PATCH", `${policyPath}/listed`, policy("listed", "good"));
    await until("it to be mended", () => told.mended.length > 0);
    await until("its new state", () => followed.named("listed")?.metadata.labels?.["app"] === "good");
  });

  it("of a kind that comes later are told when it is there, and go when it goes", async () => {
    const crd = readYaml(readFileSync("deploy/crds/projectcalico.org_globalnetworksets.yaml", "utf8"))[0]?.value;
    const followed = follow(sourceOf([namespaces, sets]));
    await followed.synced();
    for (const round of ["first", "second"]) {
      const batches = followed.batches.length;
      await send("POST", crdPath, crd);
      const make = () =>
        server().request("POST", setPath, {
          body: { apiVersion: sets.apiVersion, kind: sets.kind, metadata: { name: round } },
        });
      await until("the kind to be served", async () => (await make()).status === 201, 10_000);
      await followed.told(`upsert ${round}`, batches);
      await send("DELETE", `${crdPath}/globalnetworksets.projectcalico.org`);
      await followed.told(`delete ${round}`, batches);
      await until("the kind to be gone", async () => (await server().request("GET", setPath)).status === 404, 10_000);
    }
    assert.deepEqual(
      told.warnings.filter(({ sentence }) => !sentence.includes("no more")),
      [],
    );
  });

  it("are not told before what is required may be read, and then are", async () => {
    const followed = follow(sourceOf([namespaces, sets], {}, connection("ann")));
    await until("the refusal", () => told.warnings.some(({ resource }) => resource === "namespaces"));
    assert.equal(followed.isSynced, false);
    assert.match(told.warnings.map(({ error }) => error).join(), /User "ann" cannot list resource "namespaces"/);
    await grant("ann", "namespaces");
    await followed.synced(40_000);
    assert.ok(followed.words.includes("upsert default"));
  });

  it("are told without those that are not required and may not be read, until they may", async () => {
    await grant("bob", "namespaces");
    const optional = { ...policies, isRequired: false };
    const followed = follow(sourceOf([namespaces, optional], {}, connection("bob")));
    await followed.synced();
    assert.deepEqual(told.warnings.map(({ resource }) => resource).sort(), [
      "customresourcedefinitions.apiextensions.k8s.io",
      "networkpolicies.networking.k8s.io",
    ]);
    assert.equal(followed.named("listed"), undefined);
    await grant("bob", "networkpolicies");
    await followed.told("upsert listed", 0, 40_000);
  });

  it("are read with the token of the day", async () => {
    const given = connection();
    let token = "yesterday's";
    const rotating: ApiConnection = {
      server: given.server,
      async options(): Promise<RequestOptions> {
        const options = await given.options();
        return { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } };
      },
    };
    const source = sourceOf([policies], {}, rotating);
    const followed = follow(source);
    await until("the refusal", () => source.statuses[0]?.state === "refused");
    token = server().token();
    await followed.synced(40_000);
  });

  const grant = async (user: string, resource: string) => {
    const name = `${user}-${resource}`;
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name };
    const rules = [{ apiGroups: ["", "networking.k8s.io"], resources: [resource], verbs: ["list", "watch"] }];
    await send("POST", `${rolePath}/clusterroles`, { metadata: { name }, rules });
    await send("POST", `${rolePath}/clusterrolebindings`, {
      metadata: { name },
      roleRef,
      subjects: [{ kind: "User", name: user }],
    });
  };
});
