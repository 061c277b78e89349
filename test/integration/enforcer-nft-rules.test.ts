import assert from "node:assert/strict";
import fc from "fast-check";
import { namespacePath } from "../../core/netlink/namespace.ts";
import type { RuleId } from "../../core/rule-id.ts";
import { diff } from "../../enforcer/diff.ts";
import type { Element } from "../../enforcer/element.ts";
import { NftLibrary } from "../../enforcer/nft-library.ts";
import { render } from "../../enforcer/render.ts";
import {
  type Chain,
  type Condition,
  emptyRuleset,
  type Hook,
  hasOwnElements,
  type Name,
  type NamedSet,
  nameOf,
  type Rule,
  type Ruleset,
  type Statement,
} from "../../enforcer/ruleset.ts";
import { arbitraryProgram } from "../support/arbitrary-program.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { viewOf } from "../support/render-all.ts";

const [four, six, both, self4, self6] = [
  nameOf("four"),
  nameOf("six"),
  nameOf("both"),
  nameOf("self4"),
  nameOf("self6"),
];
const [ports, named4, named6, bindings4] = [nameOf("ports"), nameOf("named4"), nameOf("named6"), nameOf("bindings4")];
const [revoked4, revoked6, names, protocols] = [
  nameOf("revoked4"),
  nameOf("revoked6"),
  nameOf("names"),
  nameOf("protocols"),
];
const [logged4, logged6, loggedLink] = [nameOf("logged4"), nameOf("logged6"), nameOf("logged_link")];
const [ways4, ways6, waysByName, elsewhere, hits] = [
  nameOf("ways4"),
  nameOf("ways6"),
  nameOf("ways_by_name"),
  nameOf("elsewhere"),
  nameOf("hits"),
];
const id = "0123456789abcdef" as RuleId;

const is = (field: Extract<Condition, { if: "number" }>["field"], from: number, to = from, not = false): Condition => ({
  ...{ if: "number" as const, field, from, to, not },
});
const member = (key: Extract<Condition, { if: "member" }>["key"], set: Name, not = false): Condition => ({
  if: "member",
  key,
  set,
  not,
});

const network =
  (field: Extract<Condition, { if: "network" }>["field"]) =>
  (text: string): Condition => ({ if: "network", field, network: text as Element });

const conditions: readonly Condition[] = [
  { if: "family", is: 4 },
  { if: "family", is: 6 },
  is("hoplimit6", 255),
  is("hoplimit6", 1, 3),
  is("protocol", 6),
  is("protocol", 6, 6, true),
  is("protocol", 6, 17),
  is("protocol", 6, 17, true),
  is("sport", 80),
  is("dport", 80, 90),
  is("dport", 0, 65_535, true),
  is("icmpType", 8),
  is("icmpType", 133, 136),
  is("icmpTypeAndCode", 768),
  is("icmpTypeAndCode", 768, 770, true),
  member(["saddr4"], four),
  member(["daddr4"], four, true),
  member(["saddr6"], six),
  member(["daddr6"], six, true),
  ...["10.0.0.0/8", "10.128.0.0/9", "192.0.2.7", "192.0.2.6/31", "172.16.0.0/12", "192.0.2.0/24"].map(
    network("saddr4"),
  ),
  ...["fd00::/8", "fd00::7", "fd00::/65", "fd00:1::/64", "fd00::6/127"].map(network("daddr6")),
  member(["dport"], ports),
  member(["protocol"], protocols, true),
  member(["daddr4", "protocol", "dport"], named4),
  member(["daddr6", "protocol", "dport"], named6, true),
  member(["saddr4", "daddr4"], self4),
  member(["saddr6", "daddr6"], self6),
  member(["iifname", "saddr4"], bindings4, true),
  member(["iifname"], names),
  member(["oifname"], names, true),
  member(["saddr4", "daddr4", "protocol", "sport", "dport"], revoked4),
  member(["saddr6", "daddr6", "protocol", "sport", "dport"], revoked6),
  { if: "interface", field: "iifname", name: "slp", prefix: true },
  { if: "interface", field: "oifname", name: "lo", prefix: false },
  { if: "interface", field: "oifname", name: "abcdefghijklmno", prefix: false },
  { if: "connection", state: "established" },
  { if: "connection", state: "related" },
  { if: "connection", state: "invalid" },
  { if: "connection", state: "untracked" },
  { if: "settled", in: "force" },
  { if: "settled", in: "pending" },
  { if: "localSource", not: false },
  { if: "localSource", not: true },
  { if: "localDestination" },
  ...(["saddr4", "saddr6", "iifname"] as const).map((source, at): Condition => {
    const set = [logged4, logged6, loggedLink][at] as Name;
    return { if: "overLimit", set, of: 0x8000_0001 + at, source, perSecond: 10, burst: 20 };
  }),
];

const statements: readonly Statement[] = [
  { do: "log", prefix: { action: "D", direction: "egress", because: "spoofed" }, group: 5, snaplen: 128 },
  { do: "log", prefix: { action: "L", direction: "ingress", because: id }, group: 65_535, snaplen: 64 },
  { do: "count", counter: hits },
  { do: "label", direction: "egress", rule: id },
  { do: "label", direction: "ingress", rule: "7fffffffffffffff" as RuleId },
  { do: "settle", in: "force" },
  { do: "settle", in: "pending" },
  { do: "dispatch", key: ["saddr4"], map: ways4 },
  { do: "dispatch", key: ["daddr6"], map: ways6 },
  { do: "dispatch", key: ["oifname"], map: waysByName },
  { do: "jump", to: elsewhere },
  { do: "accept" },
  { do: "drop" },
  { do: "return" },
  { do: "reject", with: "tcp-reset" },
  { do: "reject", with: "admin-prohibited" },
];

const accept: Statement = { do: "accept" };
const together: readonly Rule[] = [
  { when: [member(["saddr4"], four), member(["daddr4"], four, true)], statements: [accept] },
  { when: [member(["saddr6"], six), { if: "family", is: 6 }], statements: [accept] },
  { when: [{ if: "family", is: 4 }, member(["saddr4"], four)], statements: [accept] },
  { when: [is("protocol", 6)], statements: [{ do: "reject", with: "tcp-reset" }] },
  {
    when: [is("hoplimit6", 1), member(["daddr6"], six), is("protocol", 58), is("icmpType", 143)],
    statements: [accept],
  },
  { when: [is("protocol", 17)], statements: statements.slice(0, 5) },
  { when: [], statements: [{ do: "count", counter: hits }, { do: "label", direction: "egress", rule: id }, accept] },
];
const rules: readonly Rule[] = [
  ...conditions.map((condition): Rule => ({ when: [condition], statements: [accept] })),
  ...statements.map((statement): Rule => ({ when: [], statements: [statement] })),
  ...together,
];

describe("rules that a batch of ours writes", function () {
  this.timeout(120_000);
  needsKernel("nft");
  let library: NftLibrary;
  let [ours, theirs]: [string, string] = ["", ""];
  before(async () => {
    [ours, theirs] = [makeNamespace("batch"), makeNamespace("text")];
    library = await NftLibrary.open();
  });
  after(async () => {
    await library?.close();
    for (const namespace of [ours, theirs]) if (namespace !== "") deleteNamespace(namespace);
  });

  const list = (namespace: string, ...how: readonly string[]) =>
    runIn(namespace, "nft", ...how, "list", "table", "inet", "sluice");
  /** Each expression of each rule, then the table as text. */
  const stored = (namespace: string) => list(namespace, "--debug=netlink", "-n");

  const load = async (ruleset: Ruleset) => {
    for (const [namespace, batches] of [
      [ours, true],
      [theirs, false],
    ] as const) {
      const nft = library.in(namespacePath(namespace), { batches });
      await nft.apply(diff(undefined, emptyRuleset));
      await nft.apply(diff(emptyRuleset, ruleset));
    }
  };

  it("are, expression by expression, what nft makes of each kind of condition and statement", async () => {
    await load(withChains({ name: nameOf("work"), base: null, rules }));
    assert.equal(stored(ours), stored(theirs));
  });

  it("are in base chains as nft makes them", async () => {
    const hooks = { prerouting: -300, input: -5, forward: 0, output: 5, postrouting: 100 } as const;
    const chains = Object.entries(hooks).map(([hook, priority]): Chain => {
      const untracked: Rule[] = hook === "prerouting" ? [{ when: [], statements: [{ do: "notrack" }] }] : [];
      return {
        name: nameOf(hook),
        base: { hook: hook as Hook, priority },
        rules: [...untracked, ...together.filter(isForEveryHook)],
      };
    });
    await load(withChains(...chains));
    assert.equal(stored(ours), stored(theirs));
  });

  // nft looks at two neighbouring ports in one expression, and prints it as two.
  it("of a node read as those that nft makes of the same ruleset", async () => {
    const ports: Rule = { when: [is("protocol", 6), is("sport", 80), is("dport", 90)], statements: [accept] };
    await load(withChains({ name: nameOf("work"), base: null, rules: [ports] }));
    assert.equal(list(ours), list(theirs));
    await fc.assert(
      fc.asyncProperty(arbitraryProgram, async (builder) => {
        const placement = builder.placement();
        await load(render(builder.program(), placement, viewOf(placement, "a")).ruleset);
        assert.equal(list(ours), list(theirs));
      }),
      { numRuns: 8 },
    );
  });
});

/** No postrouting chain may answer a packet. */
function isForEveryHook({ statements }: Rule): boolean {
  return statements.every((statement) => statement.do !== "reject");
}

/** A ruleset with all that the rules above refer to. */
function withChains(...chains: readonly Chain[]): Ruleset {
  const set = (name: Name, type: NamedSet["type"], flag: NamedSet["flag"] = null): [Name, NamedSet] => [
    name,
    {
      ...{ name, type, flag, elements: new Set() },
      ...(hasOwnElements({ flag }) ? { timeoutMs: 600_000 } : {}),
      ...(flag === "dynamic" ? { size: 65_536 } : {}),
    },
  ];
  const tuple = ["inet_proto", "inet_service", "inet_service"] as const;
  return {
    counters: new Set([hits]),
    sets: new Map([
      set(four, ["ipv4_addr"]),
      set(six, ["ipv6_addr"], "interval"),
      set(both, ["ipv4_addr"], "interval"),
      set(self4, ["ipv4_addr", "ipv4_addr"]),
      set(self6, ["ipv6_addr", "ipv6_addr"]),
      set(ports, ["inet_service"], "interval"),
      set(protocols, ["inet_proto"]),
      set(named4, ["ipv4_addr", "inet_proto", "inet_service"]),
      set(named6, ["ipv6_addr", "inet_proto", "inet_service"]),
      set(bindings4, ["ifname", "ipv4_addr"]),
      set(names, ["ifname"]),
      set(revoked4, ["ipv4_addr", "ipv4_addr", ...tuple], "timeout"),
      set(revoked6, ["ipv6_addr", "ipv6_addr", ...tuple], "timeout"),
      set(logged4, ["mark", "ipv4_addr"], "dynamic"),
      set(logged6, ["mark", "ipv6_addr"], "dynamic"),
      set(loggedLink, ["mark", "ifname"], "dynamic"),
    ]),
    maps: new Map([
      [ways4, { name: ways4, type: ["ipv4_addr"], entries: new Map() }],
      [ways6, { name: ways6, type: ["ipv6_addr"], entries: new Map() }],
      [waysByName, { name: waysByName, type: ["ifname"], entries: new Map() }],
    ]),
    chains: new Map([
      [elsewhere, { name: elsewhere, base: null, rules: [] }],
      ...chains.map((chain) => [chain.name, chain] as const),
    ]),
  };
}
