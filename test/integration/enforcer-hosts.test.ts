import assert from "node:assert/strict";
import { podInterface } from "../../lab/names.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Program } from "../../policy/program.ts";
import type { Verdict } from "../../policy/verdict.ts";
import { runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { addressOf, type Hits, HostLab, pods } from "./host-lab.ts";
import { hitsOf, type Outcome, outcomeOf, packetOf, parseRow } from "./host-row.ts";
import { scenes } from "./host-table.ts";

const link = (pod: string) => podInterface(...(pod.split("/") as [string, string]));

describe("host endpoints in this machine's kernel", function () {
  this.timeout(60_000);
  needsKernel("nft", "conntrack");

  const hosts = new HostLab("hosttest");
  before(() => hosts.up());
  after(() => hosts.down());

  for (const { title, given, settings, rows, untracked } of scenes)
    describe(title, () => {
      const parsed = rows.map(parseRow);
      const verdicts = new Map<string, Verdict>();
      let results: ReadonlyMap<string, Outcome>;
      let hits: Hits;
      let program: Program;

      before(async () => {
        const world = await hosts.enforce(given(pods(), link), settings);
        assert.deepEqual(hosts.problems(), []);
        program = world.program();
        const evaluate = evaluatorOf(program, await hosts.known(world));
        for (const row of parsed) verdicts.set(row.text, evaluate(packetOf(hosts, row)));
        hosts.hits();
        results = new Map(
          await Promise.all(parsed.map(async (row) => [row.text, await outcomeOf(hosts, row)] as const)),
        );
        hits = hosts.hits();
      });

      for (const row of parsed)
        it(row.text, () => {
          assert.equal(results.get(row.text), row.outcome, "the kernel");
          const passes = row.outcome === "allow" || row.outcome === "unanswered";
          assert.equal(verdicts.get(row.text)?.action === "allow", passes, "the evaluator");
        });

      if (untracked !== true)
        it("counts each rule once per connection that met it", () => {
          assert.deepEqual(sorted(hits), sorted(hitsOf([...verdicts.values()], program)));
        });
    });

  describe("what the table cannot say", () => {
    const out = "external:out";
    const node1 = addressOf("node:node-1", 4);

    it("of a connection that doNotTrack allows, connection tracking knows nothing", async () => {
      const allow = (side: "source" | "destination") => [
        { action: "Allow", protocol: "TCP", [side]: { ports: [9100] } },
      ];
      const spec = { selector: "all()", doNotTrack: true, applyOnForward: true };
      const eth0 = { node: "node-1", interfaceName: "eth0", profiles: ["projectcalico-default-allow"] };
      const raw = { ...spec, ingress: allow("destination"), egress: allow("source") };
      await hosts.enforce(pods().host("eth0", eth0).global("raw", raw));
      for (const port of [9100, 9101])
        assert.ok((await hosts.probe(out, { protocol: "tcp", address: node1, port })).answered, String(port));
      const known = hosts.connections("node-1", 4);
      assert.match(known, /dport=9101/);
      assert.doesNotMatch(known, /port=9100/);
    });

    it("reject answers what policy denies, never what has another's address", async () => {
      await hosts.enforce(pods().policy("a/api", { selector: "app == 'api'", types: ["Egress"] }), { deny: "reject" });
      const probe = (from: string, more: object = {}) =>
        hosts.probe(from, { protocol: "udp", address: addressOf(out, 4), port: 443, timeoutMs: 400, ...more });
      const before = hosts.unreachables("node-1");
      assert.equal((await probe("a/web", { sourceAddress: addressOf("a/api", 4) })).error, "timeout");
      assert.equal(hosts.hits().get("egress_spoofed"), 1);
      assert.equal(hosts.unreachables("node-1"), before);
      assert.equal((await probe("a/api")).error, "EHOSTUNREACH");
      assert.equal(hosts.unreachables("node-1"), before + 1);
    });

    it("of a datagram that its own node denies, a process hears at once; with TCP it waits", async () => {
      await hosts.enforce(pods().host("all", { node: "node-1", interfaceName: "*" }), { deny: "reject" });
      const heard = async (protocol: "tcp" | "udp", family: 4 | 6) =>
        (await hosts.probe("node:node-1", { protocol, address: addressOf(out, family), port: 443, timeoutMs: 400 }))
          .error;
      for (const family of [4, 6] as const)
        assert.deepEqual([await heard("udp", family), await heard("tcp", family)], ["EPERM", "timeout"]);
    });

    it("an endpoint whose interface is not there is a problem, until the interface has its address", async () => {
      const later = "192.0.2.200";
      const eth0 = { node: "node-1", interfaceName: "eth0" };
      await hosts.enforce(
        pods()
          .host("later", { node: "node-1", expectedIPs: [later] })
          .host("eth0", eth0),
      );
      const reaches = async (from: string) =>
        (await hosts.probe(from, { protocol: "tcp", address: node1, port: 9100, timeoutMs: 400 })).answered;
      assert.match(
        hosts.problems().join(),
        /host:later is not enforced: no interface of the node has one of its expectedIPs/,
      );
      assert.deepEqual([await reaches(out), await reaches("side:host")], [false, true]);
      runIn(hosts.namespaceOf("node-1"), "ip", "addr", "add", `${later}/32`, "dev", "eth1");
      await until("the endpoint to be enforced", () => hosts.problems().length === 0);
      assert.deepEqual([await reaches(out), await reaches("side:host")], [false, false]);
    });
  });
});

/** Without what belongs to no connection: whose handshake an earlier scene left half done goes on trying for a minute. */
function sorted(hits: Hits): readonly (readonly [string, number])[] {
  const invalid = ["egress_invalid", "ingress_invalid"];
  return [...hits].filter(([counter]) => !invalid.includes(counter)).sort(([a], [b]) => (a < b ? -1 : 1));
}
