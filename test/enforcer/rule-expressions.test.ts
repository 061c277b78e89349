import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import { TableChanges } from "../../core/netlink/nf-tables.ts";
import type { RuleId } from "../../core/rule-id.ts";
import { writeRule } from "../../enforcer/rule-expressions.ts";
import { type Name, nameOf, type Rule } from "../../enforcer/ruleset.ts";
import { messagesOf } from "../support/batch-messages.ts";

function bytesOf(rule: Rule): string {
  const changes = new TableChanges("sluice", "inet");
  changes.addRule(0, 0, "c", (expressions) => writeRule(expressions, rule));
  return messagesOf(changes)[0]?.toString("hex") ?? "";
}

describe("a rule as expressions", () => {
  // What nft 1.0.6 sends, written down by strace, less NFTA_LOOKUP_SET_ID and with a NUL after the counter: meta l4proto 6 ip saddr @p4 th dport != 80-90
  // log prefix "D|E|spoofed" group 5 snaplen 128 counter name "cnt" ct label set 1 jump c
  it("is what nft sends", () => {
    const rule: Rule = {
      when: [
        { if: "number", field: "protocol", from: 6, to: 6, not: false },
        { if: "member", key: ["saddr4"], set: nameOf("p4"), not: false },
        { if: "number", field: "dport", from: 80, to: 90, not: true },
      ],
      statements: [
        { do: "log", prefix: { action: "D", direction: "egress", because: "spoofed" }, group: 5, snaplen: 128 },
        { do: "count", counter: nameOf("cnt") },
        { do: "label", direction: "egress", rule: "0000000000000002" as RuleId },
        { do: "jump", to: nameOf("c") },
      ],
    };
    const expressions = [
      "24000180 090001006d65746100000000 14000280 0800020000000010 0800010000000001",
      "2c000180 08000100636d7000 20000280 0800010000000001 0800020000000000 0c000380 0500010006000000",
      "24000180 090001006d65746100000000 14000280 080002000000000f 0800010000000001",
      "2c000180 08000100636d7000 20000280 0800010000000001 0800020000000000 0c000380 0500010002000000",
      "34000180 0c0001007061796c6f616400 24000280 0800010000000001 0800020000000001 080003000000000c 0800040000000004",
      "24000180 0b0001006c6f6f6b75700000 14000280 0800020000000001 0700010070340000",
      "34000180 0c0001007061796c6f616400 24000280 0800010000000001 0800020000000002 0800030000000002 0800040000000002",
      "3c000180 0a00010072616e6765000000 2c000280 0800010000000001 0800020000000001 0c000380 0600010000500000",
      "0c000480 06000100005a0000",
      "30000180 080001006c6f6700 24000280 10000200447c457c73706f6f66656400 0600010000050000 0800030000000080",
      "24000180 0b0001006f626a7265660000 14000280 0800010000000001 08000200636e7400",
      "38000180 0e000100696d6d656469617465000000 24000280 0800010000000001 18000280 14000100",
      "02000000000000000000000000000000",
      "20000180 0700010063740000 14000280 080002000000000d 0800040000000001",
      "38000180 0e000100696d6d656469617465000000 24000280 0800010000000000 18000280 14000280",
      "08000100fffffffd 0600020063000000",
    ];
    const written = expressions.join("").replaceAll(" ", "");
    assert.equal(bytesOf(rule).slice(-written.length), written);
  });

  const attempts: readonly { readonly title: string; readonly rule: Rule }[] = [
    {
      title: "a port above 65535",
      rule: { when: [{ if: "number", field: "dport", from: 65_536, to: 65_536, not: false }], statements: [] },
    },
    {
      title: "an interface name with a quote",
      rule: { when: [{ if: "interface", field: "iifname", name: 'a"', prefix: true }], statements: [] },
    },
    {
      title: "a name that was never checked",
      rule: { when: [], statements: [{ do: "jump", to: "a b" as Name }] },
    },
    {
      title: "a label that names no rule",
      rule: { when: [], statements: [{ do: "label", direction: "egress", rule: "1" as RuleId }] },
    },
  ];
  for (const { title, rule } of attempts)
    it(`refuses ${title}`, () => {
      assert.throws(
        () => bytesOf(rule),
        (error) => error instanceof SluiceError && error.code === "NFT_FAILED",
      );
    });
});
