import assert from "node:assert/strict";
import type { TableEvent } from "../../../enforcer/tamper/table-event.ts";
import { wordsOf } from "../../../enforcer/tamper/words.ts";
import { addedRule } from "../../core/netlink/captured-nft.ts";
import { elementEvent, namedEvent, ruleEvent, tableEvent, wanted } from "./world.ts";

/** Handles 7, 8 and 9 are the rules of `base`. */
const placeOf = (_chain: string, handle: number) => (handle >= 7 && handle <= 9 ? handle - 7 : undefined);
/** `ip saddr 10.0.0.1 drop`, of test/core/netlink/captured-nft.ts. */
const says = addedRule.slice(80);
const text = "ip saddr 10.0.0.1 drop";

describe("enforcer/tamper/words", () => {
  const cases: readonly {
    readonly title: string;
    readonly events: readonly TableEvent[];
    readonly summary: string;
    readonly kind: string;
    readonly diff: readonly string[];
  }[] = [
    {
      title: "a rule that was deleted",
      events: [ruleEvent("base", 8, true)],
      summary: "removed 1 rule of chain base",
      kind: "removed rule",
      diff: ["- chain base, rule 2 of 3: th dport 443 accept"],
    },
    {
      title: "a rule that was added",
      events: [ruleEvent("base", 20, false, says)],
      summary: "added 1 rule to chain base",
      kind: "added rule",
      diff: [`+ chain base: ${text}`],
    },
    {
      title: "a rule that somebody added and took away again",
      events: [ruleEvent("base", 20, true, says)],
      summary: "removed 1 rule of chain base",
      kind: "removed rule",
      diff: [`- chain base: ${text}`],
    },
    {
      title: "a rule that says nothing, and one that cannot be read",
      events: [ruleEvent("base", 21, false), ruleEvent("base", 22, false, "ff")],
      summary: "added 2 rules to chain base",
      kind: "added rule",
      diff: [
        "+ chain base: a rule that says nothing (handle 21)",
        "+ chain base: a rule that cannot be read (handle 22; nftables: an attribute of 0 bytes where 1 are left)",
      ],
    },
    {
      title: "a rule that was replaced",
      events: [ruleEvent("base", 20, false, says), ruleEvent("base", 9, true)],
      summary: "replaced 1 rule of chain base",
      kind: "replaced rule",
      diff: ["- chain base, rule 3 of 3: drop", `+ chain base: ${text}`],
    },
    {
      title: "a chain that was flushed, told in any order",
      events: [ruleEvent("base", 9, true), ruleEvent("base", 7, true), ruleEvent("base", 8, true)],
      summary: "removed all 3 rules of chain base",
      kind: "removed rule",
      diff: [
        "- chain base, rule 1 of 3: th dport 80 accept",
        "- chain base, rule 2 of 3: th dport 443 accept",
        "- chain base, rule 3 of 3: drop",
      ],
    },
    {
      title: "an element of a map",
      events: [elementEvent("egress", [10, 0, 0, 1], true, { jump: "class_a" })],
      summary: "removed 1 element of map egress",
      kind: "removed element",
      diff: ["- map egress { 10.0.0.1 : jump class_a }"],
    },
    {
      title: "elements of a set",
      events: [elementEvent("pods", [10, 0, 0, 3], false), elementEvent("pods", [10, 0, 0, 4], false)],
      summary: "added 2 elements to set pods",
      kind: "added element",
      diff: ["+ set pods { 10.0.0.3 }", "+ set pods { 10.0.0.4 }"],
    },
    {
      title: "an interval",
      events: [elementEvent("nets", [11, 0, 0, 0], false), elementEvent("nets", [12, 0, 0, 0], false, { isEnd: true })],
      summary: "added 1 element to set nets",
      kind: "added element",
      diff: ["+ set nets { 11.0.0.0/8 }"],
    },
    {
      title: "the whole table, which says all",
      events: [ruleEvent("base", 7, true), namedEvent("chain", "base", true), tableEvent(true)],
      summary: "deleted the whole table (2 chains, 4 rules, 4 sets)",
      kind: "deleted table",
      diff: ["- table inet sluice (2 chains, 4 rules, 4 sets)"],
    },
    {
      title: "a chain, which takes its rules along",
      events: [ruleEvent("base", 7, true), ruleEvent("base", 8, true), namedEvent("chain", "base", true)],
      summary: "deleted chain base (3 rules)",
      kind: "deleted chain",
      diff: ["- chain base { type filter hook forward priority -5; policy accept; } (3 rules)"],
    },
    {
      title: "a map that is called a set by the kernel",
      events: [namedEvent("set", "egress", true)],
      summary: "deleted map egress",
      kind: "deleted map",
      diff: ["- map egress"],
    },
    {
      title: "several things at once",
      events: [namedEvent("chain", "backdoor", false), ruleEvent("base", 20, false, says)],
      summary: "added chain backdoor, added 1 rule to chain base",
      kind: "added chain, added rule",
      diff: ["+ chain backdoor", `+ chain base: ${text}`],
    },
  ];
  for (const { title, events, ...words } of cases)
    it(title, () => assert.deepEqual(wordsOf(wanted, { events, omitted: 0 }, placeOf), words));

  it("names a few of many things", () => {
    const events = ["a", "b", "c", "d", "e"].map((name) => namedEvent("set", name, false));
    assert.equal(
      wordsOf(wanted, { events, omitted: 0 }, placeOf).summary,
      "added set a, added set b, added set c, and 2 more",
    );
  });

  it("says how much it leaves out", () => {
    const events = Array.from({ length: 100 }, (_, at) => elementEvent("pods", [10, 0, 1, at], false));
    const { diff, summary } = wordsOf(wanted, { events, omitted: 5 }, placeOf);
    assert.equal(summary, "added 100 elements to set pods");
    assert.deepEqual([diff.length, diff.at(-1)], [61, "… and 45 more"]);
  });
});
