import assert from "node:assert/strict";
import type { Ruleset } from "../../enforcer/ruleset.ts";
import { Dataplane } from "../support/dataplane/dataplane.ts";
import { type Finding, type Told, tryOut } from "../support/dataplane/finding.ts";
import { throughService } from "../support/dataplane/service-addresses.ts";
import { type Trial, trialOf } from "../support/dataplane/trial.ts";
import { needsDevice, needsKernel } from "../support/needs-kernel.ts";
import { packet, type WorldBuilder, world } from "../support/world.ts";

const cluster = (): WorldBuilder =>
  world()
    .namespace("a")
    .node("n1", "192.0.2.1", "2001:db8::1")
    .node("n2", "192.0.2.2", "2001:db8::2")
    .pod("a/x", { app: "x" }, { node: "n1" })
    .pod("a/y", { app: "y" }, { node: "n1" })
    .pod("a/z", { app: "z" }, { node: "n2" })
    .policy("a/y", {
      selector: "app == 'y'",
      ingress: [{ action: "Log" }, { action: "Allow", protocol: "TCP", destination: { ports: [80] } }],
    });

function trialIn(builder: WorldBuilder): Trial {
  const made = builder.world();
  return trialOf(made.program(), made.placement());
}

describe("packets through the kernel", function () {
  this.timeout(60_000);
  needsKernel("nft");
  needsDevice("/dev/net/tun");
  let dataplane: Dataplane;

  before(async () => {
    dataplane = await Dataplane.open();
  });

  after(() => dataplane?.close());

  async function find(builder: WorldBuilder, trial: Trial, text: string): Promise<Finding> {
    return (await tryOut(dataplane, trial, [packet(builder, text)]))[0] as Finding;
  }

  const cases: readonly (readonly [text: string, told: Told["told"], action: "allow" | "deny"])[] = [
    ["a/x -> a/y tcp/80", "yes", "allow"],
    ["a/x -> a/y tcp/81", "yes", "deny"],
    ["a/x -> a/y tcp6/80", "yes", "allow"],
    ["a/z -> a/y tcp/80", "yes", "allow"],
    ["a/z -> a/y sctp6/80", "yes", "deny"],
    ["a/x -> a/z icmp/8", "yes", "allow"],
    ["a/x -> a/z icmp6/128", "yes", "allow"],
    ["a/x -> a/z icmp/0", "untracked", "allow"],
    ["a/x -> a/y icmp/0", "untracked", "deny"],
    ["a/x -> a/x udp/80", "yes", "allow"],
    ["a/x -> 192.0.2.1 udp/80", "yes", "allow"],
    ["a/x -> 192.0.2.2 udp/80", "yes", "allow"],
    ["192.0.2.1 -> a/y udp/80", "yes", "allow"],
    ["192.0.2.2 -> a/y udp/80", "yes", "deny"],
    ["192.0.2.1 -> 192.0.2.1 udp/80", "yes", "allow"],
    ["192.0.2.1 -> 8.8.8.8 udp/80", "yes", "allow"],
    ["8.8.8.8 -> a/y tcp/80", "yes", "allow"],
    ["8.8.8.8 -> a/y tcp/81", "yes", "deny"],
    ["8.8.8.8 -> 192.0.2.2 tcp/81", "yes", "allow"],
  ];
  for (const [text, told, action] of cases)
    it(`${text}: ${action}${told === "untracked" ? ", asked again without tracking" : ""}`, async () => {
      const { agree, kernel } = await find(cluster(), trialIn(cluster()), text);
      assert.ok("answer" in kernel);
      assert.deepEqual({ agree, told: kernel.told, action: kernel.answer.action }, { agree: true, told, action });
    });

  it("names the rules that decided and logged, also where they stand on two nodes", async () => {
    const { kernel, evaluator } = await find(cluster(), trialIn(cluster()), "a/z -> a/y tcp/80");
    assert.ok("answer" in kernel);
    assert.deepEqual(kernel.answer, evaluator);
    assert.equal(kernel.answer.logged.length, 1);
    assert.ok(kernel.answer.action === "allow" && kernel.answer.labels?.egress && kernel.answer.labels.ingress);
  });

  it("takes every packet for a new connection, however often it was sent, in both directions", async () => {
    const texts = ["a/x -> a/y tcp/80", "a/y -> a/x tcp/80", "a/x -> a/y tcp/81"];
    const packets = Array.from({ length: 9000 }, (_, at) => packet(cluster(), texts[at % texts.length] as string));
    const findings = await tryOut(dataplane, trialIn(cluster()), packets);
    assert.deepEqual(
      findings.filter(({ agree, kernel }) => !agree || kernel.told !== "yes"),
      [],
    );
  });

  it("goes to a service, which preDNAT policy sees, and arrives at what stands behind it, which others see", async () => {
    const builder = world()
      .namespace("a")
      .node("n1", "192.0.2.1")
      .node("n2", "192.0.2.2")
      .pod("a/x", {}, { node: "n1", ips: ["10.1.0.1"] })
      .pod("a/z", { app: "z" }, { node: "n2", ips: ["10.2.0.1"] })
      .host("n1", { node: "n1", interfaceName: "*", profiles: ["projectcalico-default-allow"] }, { host: "n1" })
      .global("before", {
        selector: "has(host)",
        preDNAT: true,
        applyOnForward: true,
        ingress: [{ action: "Deny", protocol: "TCP", destination: { nets: ["10.96.0.0/16"], ports: [81] } }],
      })
      .policy("a/z", {
        selector: "app == 'z'",
        ingress: [{ action: "Deny", destination: { nets: ["10.96.0.0/16"] } }, { action: "Allow" }],
      });
    const trial = trialIn(builder);
    const packets = ["a/x -> a/z tcp/80", "a/x -> a/z tcp/81", "192.0.2.1 -> a/z tcp/81"].map((text) =>
      throughService(trial.layout, packet(builder, text)),
    );
    assert.ok(packets.every(({ translated }) => translated?.node === "n1"));
    const findings = await tryOut(dataplane, trial, packets);
    const actions = findings.map(({ agree, kernel }) => [
      agree,
      "answer" in kernel ? kernel.answer.action : kernel.told,
    ]);
    assert.deepEqual(actions, [
      [true, "allow"],
      [true, "deny"],
      [true, "allow"],
    ]);
  });

  it("sees it where the kernel has other rules than the evaluator", async () => {
    const [open, closed] = [trialIn(world().namespace("a").pod("a/x").pod("a/y")), trialIn(cluster())];
    assert.equal(open.rulesets.length, 1);
    const lenient = { ...closed, rulesets: closed.rulesets.map((ruleset) => withoutDispatch(ruleset)) };
    assert.equal((await find(cluster(), lenient, "a/x -> a/y tcp/81")).agree, false);
  });

  it("sees it where a packet is dropped and no rule says so", async () => {
    const trial = trialIn(cluster());
    const silent = { ...trial, rulesets: trial.rulesets.map(withoutLogs) };
    const { agree, kernel } = await find(cluster(), silent, "a/x -> a/y tcp/81");
    assert.deepEqual({ agree, told: kernel.told }, { agree: false, told: "nonsense" });
  });

  it("prints the chains that a packet walks", async () => {
    const trial = trialIn(cluster());
    await tryOut(dataplane, trial, []);
    const trace = await dataplane.trace(packet(cluster(), "a/x -> a/y tcp/81"), true);
    assert.match(trace, /ingress_forward .*vmap @ingress4/);
    assert.match(trace, /log prefix "D\|I\|[0-9a-f]{16}".*drop/);
  });
});

/** Nobody is asked any more. */
function withoutDispatch(ruleset: Ruleset): Ruleset {
  return changedRules(ruleset, (rules) =>
    rules.filter(
      ({ statements }) => !statements.some((statement) => statement.do === "dispatch" || statement.do === "drop"),
    ),
  );
}

function withoutLogs(ruleset: Ruleset): Ruleset {
  return changedRules(ruleset, (rules) =>
    rules.map((rule) => ({ ...rule, statements: rule.statements.filter((statement) => statement.do !== "log") })),
  );
}

type Rules = NonNullable<ReturnType<Ruleset["chains"]["get"]>>["rules"];

function changedRules(ruleset: Ruleset, change: (rules: Rules) => Rules): Ruleset {
  const chains = [...ruleset.chains].map(([name, chain]) => [name, { ...chain, rules: change(chain.rules) }] as const);
  return { ...ruleset, chains: new Map(chains) };
}
