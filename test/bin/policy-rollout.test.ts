import assert from "node:assert/strict";
import { chmod, chown, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askRunning } from "../../bin/control/ask.ts";
import { ControlFolder } from "../../bin/control/folder.ts";
import type { Order } from "../../bin/control/messages.ts";
import { readState } from "../../bin/control/state.ts";
import { PolicyRollout } from "../../bin/policy-rollout.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import type { SluiceError } from "../../core/errors.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import type { EnforcerStatus } from "../../enforcer/enforcer.ts";
import { World } from "../../policy/world.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

const base = () =>
  world()
    .node("a", "172.18.0.1")
    .node("b", "172.18.0.2")
    .namespace("shop")
    .namespace("kube-system")
    .tier("security", 100)
    .pod("kube-system/dns", { "k8s-app": "kube-dns" }, { node: "a", ips: ["10.1.0.53"] })
    .pod("shop/web", { app: "web" }, { node: "b", ips: ["10.2.0.1"] });
const deny = (name: string, ports: readonly number[]): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind: "GlobalNetworkPolicy",
  metadata: { name: `security.${name}` },
  spec: {
    tier: "security",
    selector: "app == 'web'",
    types: ["Egress"],
    egress: [{ action: "Deny", protocol: "UDP", destination: { ports } }, { action: "Allow" }],
  },
});
const harmless = deny("harmless", [9999]);
const closing = deny("closing", [53]);

class Bench {
  readonly world = new World();
  readonly clock: FakeClock;
  readonly told: string[] = [];
  readonly statuses = new Map<string, Partial<EnforcerStatus>>();
  readonly stop = new AbortController();
  readonly rollout: PolicyRollout;
  running: Promise<void> = Promise.resolve();

  constructor(folder: string | null, settings: Record<string, unknown> = {}, now?: number) {
    this.clock = new FakeClock(now);
    const fileText = JSON.stringify({ enforcer: settings, data: { folder: folder ?? "./nowhere" } });
    this.rollout = new PolicyRollout({
      world: this.world,
      nodes: ["a", "b"],
      config: parseConfig({ fileText }),
      clock: this.clock,
      log: silentLog,
      isKept: folder !== null,
      notice: (sentence) => this.told.push(sentence),
      onChange: () => {},
      statuses: () => this.statuses as ReadonlyMap<string, EnforcerStatus>,
    });
  }

  async begin(...more: readonly KubeObject[]): Promise<this> {
    await this.rollout.open();
    this.change(...base().objects, ...more);
    this.running = this.rollout.run(this.stop.signal);
    await settled();
    return this;
  }

  change(...objects: readonly KubeObject[]): void {
    const changes = objects.map((object) => ({ type: "upsert", object }) as const);
    assert.deepEqual(this.world.apply(changes), []);
    this.rollout.take(changes);
  }

  remove(object: KubeObject): void {
    const changes = [{ type: "delete", object } as const];
    this.world.apply(changes);
    this.rollout.take(changes);
  }

  /** Whether the newest policies are in force, on a and on b. */
  get newest(): readonly (boolean | undefined)[] {
    const { revision } = this.world.program();
    return ["a", "b"].map((node) => this.rollout.policyOf(node)?.program.revision === revision);
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.running;
  }
}

describe("the rollout of policies", () => {
  let bench: Bench;
  afterEach(() => bench.end());

  it("puts in force what closes no guarded path", async () => {
    bench = await new Bench(null).begin();
    bench.change(harmless);
    assert.deepEqual([bench.newest, bench.told], [[true, true], []]);
  });

  it("holds back what closes one, says which path and which rule, and lets it go when it is mended", async () => {
    bench = await new Bench(null).begin();
    bench.change(closing);
    assert.deepEqual(bench.newest, [false, false]);
    assert.match(
      bench.told.join(),
      /^ALERT: policies [0-9a-f]{16} are held, .*: they would close DNS: pod shop\/web -> pod kube-system\/dns udp\/53 by GlobalNetworkPolicy security.closing, rule 0$/,
    );
    bench.remove(closing);
    assert.deepEqual([bench.newest, bench.rollout.rollout.held], [[true, true], null]);
  });

  it("goes on with membership under the old policies while new ones are held back", async () => {
    bench = await new Bench(null).begin(deny("old", [1]));
    bench.change(closing);
    const born = world().pod("shop/web-2", { app: "web" }, { node: "b", ips: ["10.2.0.2"] }).objects;
    bench.change(...born);
    const policy = bench.rollout.policyOf("b");
    assert.deepEqual(bench.newest, [false, false]);
    const [web, web2] = ["pod:shop/web", "pod:shop/web-2"].map((id) => policy?.everybody.classOf.get(id as never));
    assert.ok(web !== undefined);
    assert.equal(web2, web);
  });

  it("puts it in force, told, where the guard only warns", async () => {
    bench = await new Bench(null, { guard: "warn" }).begin();
    bench.change(closing);
    assert.deepEqual(bench.newest, [true, true]);
    assert.match(bench.told.join(), /^ALERT: policies [0-9a-f]{16} close DNS/);
  });

  it("asks nothing where the guard is off", async () => {
    bench = await new Bench(null, { guard: "off" }).begin();
    bench.change(closing);
    assert.deepEqual([bench.newest, bench.told], [[true, true], []]);
  });

  it("guards paths of one's own", async () => {
    bench = await new Bench(null, { guardedPaths: ["shop/* -> 10.9.0.0/16 : udp/9999"] }).begin();
    bench.change(harmless);
    assert.deepEqual(bench.newest, [false, false]);
  });

  it("refuses a path that it does not understand at once", () => {
    bench = new Bench(null);
    assert.throws(
      () => new Bench(null, { guardedPaths: ["nonsense"] }),
      /enforcer.guardedPaths: "nonsense": write it as/,
    );
  });

  it("holds nothing back for those who are only observed", async () => {
    bench = await new Bench(null, { observedNamespaces: ["shop"] }).begin();
    bench.change(closing);
    assert.deepEqual(bench.newest, [true, true]);
  });

  it("gives observed pods no class in what is enforced, and all in what is told", async () => {
    bench = await new Bench(null, { observedNamespaces: ["shop"] }).begin(harmless);
    const { everybody, enforced } = bench.rollout.policyOf("b") ?? assert.fail();
    const id = "pod:shop/web" as never;
    assert.deepEqual(
      [everybody.classOf.has(id), enforced.classOf.has(id), [...enforced.classOf.keys()]],
      [true, false, ["pod:kube-system/dns"]],
    );
    assert.deepEqual(
      [bench.rollout.modes.of("b", "shop"), bench.rollout.modes.of("b", "kube-system")],
      ["observed", "enforced"],
    );
  });

  it("gives classes to enforced namespaces alone where the cluster only observes", async () => {
    bench = await new Bench(null, { mode: "observe", enforcedNamespaces: ["shop"] }).begin(harmless);
    assert.deepEqual([...(bench.rollout.policyOf("b")?.enforced.classOf.keys() ?? [])], ["pod:shop/web"]);
  });

  it("tries changed policies on canary nodes first, on the others when their time is over", async () => {
    bench = await new Bench(null, { canaryNodes: ["a"], canaryMs: 60_000 }).begin();
    bench.change(harmless);
    assert.deepEqual(bench.newest, [true, false]);
    await bench.clock.advance(61_000);
    assert.deepEqual(bench.newest, [true, true]);
  });

  it("withdraws them if a canary cannot carry them out for some seconds", async () => {
    bench = await new Bench(null, { canaryNodes: ["a"], canaryMs: 60_000 }).begin();
    bench.change(harmless);
    bench.statuses.set("a", { failure: "nft: no", revision: "0".repeat(16) });
    await bench.clock.advance(2_000);
    assert.deepEqual(bench.newest, [true, false]);
    await bench.clock.advance(4_000);
    assert.deepEqual(bench.newest, [false, false]);
    assert.match(bench.told.join("\n"), /ALERT: policies \w+ are withdrawn, \w+ are in force again: node a: nft: no$/);
  });

  it("withdraws them if somebody reports that a canary does otherwise", async () => {
    bench = await new Bench(null, { canaryNodes: ["a"], canaryMs: 60_000 }).begin();
    bench.change(harmless);
    bench.rollout.trouble("b", "it is no canary");
    assert.deepEqual(bench.newest, [true, false]);
    bench.rollout.trouble("a", "kernel and evaluator disagree");
    assert.deepEqual(bench.newest, [false, false]);
  });

  it("withdraws what nobody confirms", async () => {
    bench = await new Bench(null, { confirmMs: 300_000 }).begin();
    bench.change(harmless);
    assert.deepEqual(bench.newest, [true, true]);
    await bench.clock.advance(301_000);
    assert.deepEqual(bench.newest, [false, false]);
    assert.match(
      bench.told.at(-1) ?? "",
      /^ALERT: policies \w+ are withdrawn, \w+ are in force again: nobody confirmed them within 300 s$/,
    );
  });
});

describe("the control folder", () => {
  let folder = "";
  let bench: Bench;
  const open: Bench[] = [];
  const begin = async (settings: Record<string, unknown> = {}, now?: number, ...more: readonly KubeObject[]) => {
    bench = await new Bench(folder, settings, now).begin(...more);
    open.push(bench);
    await until("the folder", () => stat(join(folder, "control/requests")).catch(() => false));
    return bench;
  };
  /** Asks by a clock that runs, at the time of the bench. */
  const ask = (order: Order) => {
    const { clock } = bench;
    return askRunning(order, folder, { ...systemClock, now: () => clock.now() });
  };
  const history = async () =>
    (await readFile(join(folder, "control/history"), "utf8").catch(() => ""))
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const glass = { do: "break-glass", reason: "INC-1: nothing works", forMs: 600_000, node: null } as const;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-control-"));
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.end();
    await rm(folder, { recursive: true });
  });

  it("is for us alone", async () => {
    await begin();
    for (const name of ["control", "control/requests", "control/answers"])
      assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
  });

  it("begins break-glass: nothing is denied, records say observed, people are told, it is written down", async () => {
    await begin();
    assert.match(await ask(glass), /^break-glass everywhere for 10 min, by .*: INC-1: nothing works$/);
    const { rollout, told } = bench;
    assert.deepEqual([rollout.policyOf("a")?.open, rollout.policyOf("b")?.open], [true, true]);
    assert.equal(rollout.modes.of("a", "shop"), "observed");
    assert.match(told.at(-1) ?? "", /^ALERT: break-glass everywhere .*; policy denies nothing there$/);
    const [entry] = await history();
    assert.deepEqual(
      [entry?.["what"], entry?.["text"], entry?.["node"]],
      ["break-glass", "INC-1: nothing works", null],
    );
    assert.equal((await stat(join(folder, "control/history"))).mode & 0o777, 0o600);
  });

  it("begins it on one node only", async () => {
    await begin();
    await ask({ ...glass, node: "a" });
    assert.deepEqual([bench.rollout.policyOf("a")?.open, bench.rollout.policyOf("b")?.open], [true, false]);
    await assert.rejects(ask({ ...glass, node: "c" }), /this process has no node c, but a, b/);
  });

  it("ends it by itself", async () => {
    await begin();
    await ask(glass);
    await bench.clock.advance(599_000);
    assert.equal(bench.rollout.policyOf("a")?.open, true);
    await bench.clock.advance(2_000);
    assert.equal(bench.rollout.policyOf("a")?.open, false);
    assert.match(bench.told.at(-1) ?? "", /^ALERT: break-glass is over everywhere, policy is enforced again$/);
    await until("the end to be written down", async () => (await history()).length === 2);
  });

  it("ends it when asked to", async () => {
    await begin();
    await ask(glass);
    assert.match(await ask({ do: "end-break-glass", node: null }), /break-glass is over everywhere/);
    assert.equal(bench.rollout.policyOf("a")?.open, false);
    await assert.rejects(ask({ do: "end-break-glass", node: null }), /break-glass is not on everywhere/);
  });

  for (const { title, order, says } of [
    { title: "a short reason", order: { ...glass, reason: "help" }, says: /say why in at least 8/ },
    { title: "too long a time", order: { ...glass, forMs: 14_400_001 }, says: /longer than enforcer.breakGlassMaxMs/ },
    {
      title: "to confirm what does not wait",
      order: { do: "confirm", revision: null },
      says: /nothing waits to be confirmed/,
    },
    {
      title: "to accept what is not held",
      order: { do: "accept", revision: "0123456789abcdef" },
      says: /is not held back, nothing is/,
    },
  ] as const)
    it(`refuses ${title}, and says so`, async () => {
      await begin();
      await assert.rejects(
        ask(order),
        (thrown: SluiceError) => thrown.code === "CONTROL_UNANSWERED" && says.test(thrown.message),
      );
      assert.equal(bench.rollout.policyOf("a")?.open, false);
    });

  it("keeps break-glass through a kill, with its end", async () => {
    const first = await begin();
    await ask(glass);
    // Nothing is written at its end: what was answered is on disk.
    const now = first.clock.now();
    await begin({}, now + 60_000);
    assert.equal(bench.rollout.policyOf("a")?.open, true);
    await bench.clock.advance(541_000);
    assert.equal(bench.rollout.policyOf("a")?.open, false);
  });

  it("has forgotten it when its time was over meanwhile", async () => {
    const first = await begin();
    await ask(glass);
    await begin({}, first.clock.now() + 601_000);
    await until("its end", () => bench.rollout.policyOf("a")?.open === false);
  });

  it("confirms", async () => {
    await begin({ confirmMs: 300_000 });
    bench.change(harmless);
    const { revision } = bench.world.program();
    await assert.rejects(ask({ do: "confirm", revision: "0123456789abcdef" }), new RegExp(`but ${revision}`));
    assert.equal(await ask({ do: "confirm", revision }), `policies ${revision} are confirmed`);
    await bench.clock.advance(999_000);
    assert.deepEqual(bench.newest, [true, true]);
  });

  it("accepts what is held back", async () => {
    await begin();
    bench.change(closing);
    const { revision } = bench.world.program();
    await ask({ do: "accept", revision });
    assert.deepEqual(bench.newest, [true, true]);
    assert.deepEqual((await history()).map(({ what }) => what).sort(), ["accepted", "held"]);
  });

  it("returns also after a restart, to policies that no file of objects holds any more", async () => {
    const first = await begin({ confirmMs: 300_000 });
    const before = bench.world.program().revision;
    bench.change(harmless);
    const { revision } = bench.world.program();
    await until("the trial to be written down", async () => (await stateOf())?.rollout.trial?.revision === revision);
    const now = first.clock.now();
    await begin({ confirmMs: 300_000 }, now + 200_000, harmless);
    assert.deepEqual(bench.newest, [true, true]);
    await bench.clock.advance(101_000);
    assert.equal(bench.rollout.policyOf("a")?.program.revision, before);
    assert.ok(bench.rollout.policyOf("a")?.everybody.classOf.has("pod:shop/web" as never));
  });

  it("says nothing of what is in force before it knows any objects, whoever asks", async () => {
    const first = await begin();
    await first.clock.advance(6_000);
    await until("what is in force to be written down", async () => (await stateOf())?.rollout.confirmed !== undefined);
    const next = new Bench(folder);
    await next.rollout.open();
    assert.deepEqual([next.rollout.policyOf("a"), next.rollout.policyOf(null)], [undefined, undefined]);
  });

  it("guards also what was changed while no process ran", async () => {
    const first = await begin();
    const { revision } = bench.world.program();
    await first.clock.advance(6_000);
    await until("what is in force to be written down", async () => (await stateOf())?.rollout.confirmed === revision);
    await begin({}, first.clock.now(), closing);
    assert.deepEqual(bench.newest, [false, false]);
    assert.equal(bench.rollout.policyOf("a")?.program.revision, revision);
  });

  it("begins anew, and says so, if what it kept is damaged", async () => {
    const first = await begin({ confirmMs: 300_000 });
    bench.change(harmless);
    await until("the trial to be written down", async () => (await stateOf())?.rollout.trial !== null);
    await first.end();
    const name = (await readdir(join(folder, "control"))).find((one) => one.startsWith("program-")) ?? "";
    await writeFile(join(folder, "control", name), "{}");
    await begin({}, undefined, harmless);
    assert.deepEqual(bench.newest, [true, true]);
  });

  const stateOf = () => readState(new ControlFolder(folder));
  const request = (parts: object = {}) =>
    JSON.stringify({
      format: "sluice control 1",
      id: "0".repeat(32),
      at: bench.clock.now(),
      by: "me",
      order: glass,
      ...parts,
    });
  const path = () => join(folder, "control/requests", `${"0".repeat(32)}.json`);
  for (const { title, text, spoil } of [
    { title: "that is no JSON", text: () => "{", spoil: undefined },
    { title: "of another format", text: () => request({ format: "sluice control 9" }), spoil: undefined },
    { title: "with a field that nobody knows", text: () => request({ more: 1 }), spoil: undefined },
    { title: "that asks for what nobody can do", text: () => request({ order: { do: "explode" } }), spoil: undefined },
    { title: "whose name is not its id", text: () => request({ id: "1".repeat(32) }), spoil: undefined },
    { title: "of an hour ago", text: () => request({ at: bench.clock.now() - 3_600_000 }), spoil: undefined },
    { title: "that others may write to", text: () => request(), spoil: (file: string) => chmod(file, 0o666) },
    { title: "of another user", text: () => request(), spoil: (file: string) => chown(file, 4711, 4711) },
  ] as const)
    it(`takes no request ${title}, and removes it`, async function () {
      if (title === "of another user" && process.geteuid?.() !== 0) return this.skip();
      await begin();
      // Put there as it is at once: the desk must not see it before it is spoilt.
      const aside = join(folder, "aside");
      await writeFile(aside, text(), { mode: 0o600 });
      await spoil?.(aside);
      await rename(aside, path());
      const isGone = async () => {
        await bench.clock.advance(1_100);
        return (await readdir(join(folder, "control/requests"))).length === 0;
      };
      await until("it to go", isGone);
      assert.equal(bench.rollout.policyOf("a")?.open, false);
      assert.deepEqual(await readdir(join(folder, "control/answers")), []);
    });

  it("says that nobody runs there where nobody does", async () => {
    await assert.rejects(
      askRunning(glass, folder, systemClock),
      (thrown: SluiceError) =>
        thrown.code === "CONTROL_UNANSWERED" && /is "sluice up" running with --data.folder/.test(thrown.message),
    );
  });
});
