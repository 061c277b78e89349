import assert from "node:assert/strict";
import type { Problem } from "../../enforcer/draft.ts";
import { type Rendered, render } from "../../enforcer/render.ts";
import type { RenderSettings } from "../../enforcer/renderer.ts";
import { nameOf, type Rule } from "../../enforcer/ruleset.ts";
import { ruleText } from "../../enforcer/text.ts";
import type { Instruction, Match } from "../../policy/program.ts";
import { inSet, instruction, ports, program, protocol, rule, type Verdict } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";

const label = 'counter name "r" ct label set 0 | 60 accept';
const denied = `log prefix "D|E|${rule(1)}" group 5 snaplen 128 counter name "r" drop`;
const [icmp, icmpNot] = [
  { field: "icmp", type: 8, not: false },
  { field: "icmp", type: 8, code: 1, not: true },
] as const;

interface Case {
  readonly title: string;
  readonly verdict?: Verdict;
  readonly when: readonly Match[];
  /** Hashes in names are cut off. */
  readonly rules: readonly string[];
  readonly problems?: readonly string[];
}

const cases: readonly Case[] = [
  { title: "without a match: one rule", when: [], rules: [label] },
  { title: "a family", when: [{ field: "family", is: 6 }], rules: [`meta nfproto ipv6 ${label}`] },
  { title: "a protocol", when: [protocol(6)], rules: [`meta l4proto 6 ${label}`] },
  { title: "another protocol", when: [protocol(6, true)], rules: [`meta l4proto != 6 ${label}`] },
  {
    title: "a set of pods, once per family, as it may get members of both",
    when: [inSet("source", "pods")],
    rules: [`ip saddr @pods4 ${label}`, `ip6 saddr @pods6 ${label}`],
  },
  {
    title: "a set of pods and a family",
    when: [inSet("source", "pods"), { field: "family", is: 4 }],
    rules: [`ip saddr @pods4 ${label}`],
  },
  {
    title: "a set of pods and networks: one after the other",
    when: [inSet("source", "mixed"), { field: "family", is: 4 }],
    rules: [`ip saddr @pods4 ${label}`, `ip saddr @nets4 ${label}`],
  },
  {
    title: "neither of the pods nor of the networks",
    when: [inSet("source", "mixed", true), { field: "family", is: 4 }],
    rules: [`ip saddr != @pods4 ip saddr != @nets4 ${label}`],
  },
  {
    title: "a log rule does not log one packet of a pod within the networks twice",
    verdict: "log",
    when: [inSet("source", "mixed"), { field: "family", is: 4 }],
    rules: [
      `ip saddr @pods4 log prefix "L|E|${rule(1)}" group 5 snaplen 128 counter name "r"`,
      `ip saddr @nets4 ip saddr != @pods4 log prefix "L|E|${rule(1)}" group 5 snaplen 128 counter name "r"`,
    ],
  },
  { title: "one CIDR, as it is", when: [inSet("destination", "nets")], rules: [`ip daddr 10.0.0.0/8 ${label}`] },
  { title: "CIDRs of one family, once", when: [inSet("source", "ranges")], rules: [`ip saddr @nets4 ${label}`] },
  { title: "all of IPv4", when: [inSet("source", "all")], rules: [`ip saddr @nets4 ${label}`] },
  {
    title: "not in CIDRs of one family: all of the other family",
    when: [inSet("destination", "nets", true)],
    rules: [`ip daddr != @nets4 ${label}`, `meta nfproto ipv6 ${label}`],
  },
  { title: "in no CIDRs at all: no rule", when: [inSet("destination", "nowhere")], rules: [] },
  {
    title: "a port asks for a protocol with ports",
    when: [ports("destinationPort", ["80"])],
    rules: [`meta l4proto @protocols_with_ports th dport 80 ${label}`],
  },
  {
    title: "a port of a protocol with ports needs no such question",
    when: [ports("destinationPort", ["80"]), protocol(17)],
    rules: [`meta l4proto 17 th dport 80 ${label}`],
  },
  {
    title: "a port of a protocol without ports: no rule",
    when: [protocol(1), ports("sourcePort", ["80"], true)],
    rules: [],
  },
  {
    title: "a port range",
    when: [protocol(6), ports("sourcePort", ["80-90"])],
    rules: [`meta l4proto 6 th sport 80-90 ${label}`],
  },
  {
    title: "several ports are a set",
    when: [protocol(6), ports("sourcePort", ["80", "90"])],
    rules: [`meta l4proto 6 th sport @ports ${label}`],
  },
  {
    title: "ports that touch are a range",
    when: [protocol(6), ports("sourcePort", ["80", "81"])],
    rules: [`meta l4proto 6 th sport 80-81 ${label}`],
  },
  {
    title: "a range or a named port: a rule each, the named one per family",
    when: [protocol(6), ports("destinationPort", ["80", "@http"])],
    rules: [
      `meta l4proto 6 th dport 80 ${label}`,
      `meta l4proto 6 ip daddr . meta l4proto . th dport @ports4 ${label}`,
      `meta l4proto 6 ip6 daddr . meta l4proto . th dport @ports6 ${label}`,
    ],
  },
  {
    title: "neither range nor named port: one rule with both, per family",
    when: [protocol(6), ports("sourcePort", ["80", "@http"], true)],
    rules: [
      `meta l4proto 6 th sport != @ports ip saddr . meta l4proto . th sport != @ports4 ${label}`,
      `meta l4proto 6 th sport != @ports ip6 saddr . meta l4proto . th sport != @ports6 ${label}`,
    ],
  },
  {
    title: "neither this source port nor that destination port: by sets, as nft would make one comparison of both",
    when: [protocol(6), ports("sourcePort", ["80"], true), ports("destinationPort", ["443"], true)],
    rules: [`meta l4proto 6 th sport != @ports th dport != @ports ${label}`],
  },
  { title: "no port at all: no rule", when: [ports("sourcePort", [])], rules: [] },
  {
    title: "not no port: whatever has ports",
    when: [ports("sourcePort", [], true)],
    rules: [`meta l4proto @protocols_with_ports ${label}`],
  },
  { title: "an ICMP type", when: [icmp], rules: [`meta l4proto @protocols_icmp @th,0,8 8 ${label}`] },
  {
    title: "another ICMP type and code",
    when: [protocol(1), icmpNot],
    rules: [`meta l4proto 1 @th,0,16 != 2049 ${label}`],
  },
  { title: "deny is logged, counted and dropped", verdict: "deny", when: [], rules: [denied] },
  {
    title: "a log rule does not log one packet twice",
    verdict: "log",
    when: [protocol(6), ports("destinationPort", ["80", "@http"])],
    rules: [
      `meta l4proto 6 th dport 80 log prefix "L|E|${rule(1)}" group 5 snaplen 128 counter name "r"`,
      `meta l4proto 6 ip daddr . meta l4proto . th dport @ports4 th dport != @ports log prefix "L|E|${rule(1)}" group 5 snaplen 128 counter name "r"`,
      `meta l4proto 6 ip6 daddr . meta l4proto . th dport @ports6 th dport != @ports log prefix "L|E|${rule(1)}" group 5 snaplen 128 counter name "r"`,
    ],
  },
  {
    title: "next returns to the class",
    verdict: "next",
    when: [protocol(6)],
    rules: ['meta l4proto 6 counter name "r" return'],
  },
];

const faulty: readonly Case[] = [
  { title: "an unknown set", when: [inSet("source", "unknown")], rules: [] },
  { title: "a set of the wrong kind", when: [inSet("source", "http")], rules: [] },
  { title: "an unknown set of named ports", when: [ports("sourcePort", ["@pods"])], rules: [] },
  { title: "a protocol of 300", when: [protocol(300)], rules: [] },
  { title: "a port that is no number", when: [ports("sourcePort", ["http"])], rules: [] },
  { title: "a port range upside down", when: [ports("sourcePort", ["90-80"])], rules: [] },
  { title: "an ICMP type of -1", when: [{ field: "icmp", type: -1, not: false }], rules: [] },
  { title: "a family of 5", when: [{ field: "family", is: 5 as never }], rules: [] },
  { title: "a match that came after us", when: [{ field: "moon", is: "full" } as never], rules: [] },
];

describe("an instruction as rules", () => {
  for (const { title, verdict = "allow", when, rules } of cases)
    it(title, () => {
      const rendered = renderOne(instruction(1, verdict, ...when));
      assert.deepEqual(rendered, { rules, problems: [] });
    });

  for (const { title, when } of faulty) {
    it(`${title} allows nothing and is reported`, () => {
      const { rules, problems } = renderOne(instruction(1, "allow", ...when));
      assert.deepEqual([rules, problems.length], [[], 1]);
    });

    it(`${title} in a rule that denies or passes denies what the rest of the rule matches`, () => {
      for (const verdict of ["deny", "next"] as const) {
        const { rules } = renderOne(instruction(1, verdict, { field: "family", is: 4 }, ...when));
        assert.deepEqual(rules, [`meta nfproto ipv4 ${denied}`]);
      }
    });
  }

  it("an id that is none denies everything that gets so far", () => {
    const { rules, problems } = renderOne({ ...instruction(1, "allow"), id: '1"; accept' as never });
    assert.deepEqual(rules, [
      'log prefix "D|E|unrenderable" group 5 snaplen 128 counter name "egress_unrenderable" drop',
    ]);
    assert.equal(problems.length, 1);
  });
});

describe("a log message that is limited", () => {
  const over = (family: 4 | 6) =>
    `update @logged${family} { 0 . ip${family === 4 ? "" : "6"} saddr limit rate over 10/second burst 20 packets }`;
  const cases: readonly { readonly verdict: Instruction["verdict"]; readonly rules: readonly string[] }[] = [
    {
      verdict: "deny",
      rules: [
        `${over(4)} counter name "unlogged" counter name "u" drop`,
        `${over(6)} counter name "unlogged" counter name "u" drop`,
        `log prefix "D|E|${rule(1)}" group 5 snaplen 128 drop`,
      ],
    },
    {
      verdict: "log",
      rules: [
        `${over(4)} counter name "unlogged" counter name "u" return`,
        `${over(6)} counter name "unlogged" counter name "u" return`,
        `log prefix "L|E|${rule(1)}" group 5 snaplen 128`,
      ],
    },
  ];
  for (const { verdict, rules } of cases)
    it(`of ${verdict} is asked of a chain of its own, behind the count`, () => {
      const { ruleset } = renderBlock(instruction(1, verdict, protocol(17)), { logRate: 10 });
      const jumping = [...ruleset.chains.values()].flatMap((chain) => chain.rules.map(ruleText));
      const [, to] = jumping.flatMap(
        (text) => /^meta l4proto 17 counter name "r_\w+" jump (log_\w+)$/.exec(text) ?? [],
      );
      const found = ruleset.chains.get(nameOf(to ?? ""))?.rules.map(shortText);
      assert.deepEqual(
        found?.map((text) => text.replace(/\{ \d+ \./, "{ 0 .")),
        rules,
      );
    });

  it("of what is spoofed goes by the interface, as its source may be any", () => {
    const { ruleset } = renderBlock(instruction(1, "allow"), { logRate: 10 });
    const texts = [...ruleset.chains.values()].flatMap((chain) => chain.rules.map(shortText));
    const limits = texts.filter((text) => text.includes("u_egress_spoofed"));
    assert.equal(limits.length, 1);
    assert.match(limits[0] ?? "", /^update @logged_link \{ \d+ \. iifname limit rate over 10\/second/);
  });

  it("is not where there is no limit", () => {
    const { ruleset } = renderBlock(instruction(1, "deny"), { logRate: 0 });
    assert.ok(![...ruleset.sets.keys(), ...ruleset.chains.keys()].some((name) => /^log(ged)?_?/.test(name)));
  });
});

/** The instruction in a block of its own, in the egress stage of a pod. */
function renderOne(only: Instruction): { readonly rules: readonly string[]; readonly problems: readonly Problem[] } {
  const { ruleset, problems } = renderBlock(only, { logRate: 0 });
  const chains = [...ruleset.chains.values()];
  const block = chains.find(({ name }) => name.startsWith("block_"))?.rules;
  const stage = chains.find(({ name }) => name.startsWith("stage_"))?.rules.slice(0, -1) ?? [];
  return { rules: (block ?? stage).map(shortText), problems };
}

function renderBlock(only: Instruction, settings: Partial<RenderSettings>): Rendered {
  const builder = program()
    .addresses("pods", "10.1.0.1")
    .mixed("mixed", ["10.1.0.1"], ["10.1.0.0/24"])
    .cidrs("nets", "10.0.0.0/8")
    .cidrs("ranges", "10.0.0.0/8", "192.0.2.0/24")
    .cidrs("all", "0.0.0.0/0")
    .cidrs("nowhere")
    .ports("http", "10.1.0.1 6 80")
    .block("b", only)
    .class("c", { egress: [[["b"], instruction(2, "deny")]] })
    .pod("web", "a", ["10.1.0.1", "fd01::1"], "c");
  const placement = builder.placement();
  return render(builder.program(), placement, viewOf(placement, "a", [], settings));
}

function shortText(each: Rule): string {
  return ruleText(each).replace(/_[0-9a-f]{16}/g, "");
}
