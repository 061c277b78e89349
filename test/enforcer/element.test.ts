import assert from "node:assert/strict";
import { type Address, parseCidr } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { addressElement, interfaceElement, numberElement, portRangeElement } from "../../enforcer/element.ts";
import { addressIntervals, portIntervals } from "../../enforcer/ranges.ts";
import { type Name, nameOf } from "../../enforcer/ruleset.ts";
import { ruleText, textOf } from "../../enforcer/text.ts";

const attempts: readonly { title: string; attempt: () => unknown }[] = [
  {
    title: "an address that ends the set and goes on",
    attempt: () => addressElement("10.0.0.1 }; flush ruleset" as Address),
  },
  { title: "an interface name with a quote", attempt: () => interfaceElement('a" accept') },
  { title: "an interface name that is a wildcard", attempt: () => interfaceElement("slp*") },
  { title: "an interface name of 16 characters", attempt: () => interfaceElement("abcdefghijklmnop") },
  { title: "an empty interface name", attempt: () => interfaceElement("") },
  { title: "an interface name with a line break", attempt: () => interfaceElement("a\nb") },
  { title: "a port of 65536", attempt: () => numberElement(65_536, 65_535) },
  { title: "a port that is no number", attempt: () => numberElement(Number.NaN, 65_535) },
  { title: "a port range that ends before it begins", attempt: () => portRangeElement(90, 80) },
  { title: "a name with a space", attempt: () => nameOf("a b") },
  { title: "a name with a line break at its end", attempt: () => nameOf("a\n") },
  { title: "a name that begins with a digit", attempt: () => nameOf("1a") },
  { title: "a name of 64 characters", attempt: () => nameOf("a".repeat(64)) },
  {
    title: "a name that was never checked",
    attempt: () => textOf([{ verb: "flush-chain", chain: "x; flush ruleset" as Name }]),
  },
  {
    title: "a log prefix that names neither rule nor reason",
    attempt: () =>
      ruleText({
        when: [],
        statements: [
          { do: "log", prefix: { action: "D", direction: "egress", because: '"; x' as never }, group: 5, snaplen: 128 },
        ],
      }),
  },
  {
    title: "a label that names no rule",
    attempt: () =>
      ruleText({ when: [], statements: [{ do: "label", direction: "egress", rule: "1 accept" as never }] }),
  },
  {
    title: "a number that is a text",
    attempt: () =>
      ruleText({
        when: [{ if: "number", field: "dport", from: "1 accept" as never, to: 2, not: false }],
        statements: [],
      }),
  },
];

describe("text for nft", () => {
  for (const { title, attempt } of attempts)
    it(`refuses ${title}`, () => {
      assert.throws(attempt, (error) => error instanceof SluiceError && error.code === "NFT_FAILED");
    });
});

const addressCases: readonly { title: string; cidrs: readonly string[]; elements: readonly string[] }[] = [
  { title: "one prefix is itself", cidrs: ["10.0.0.0/8"], elements: ["10.0.0.0/8"] },
  { title: "everything is /0", cidrs: ["0.0.0.0/0", "10.0.0.0/8"], elements: ["0.0.0.0/0"] },
  { title: "two halves are the whole", cidrs: ["0.0.0.0/1", "128.0.0.0/1"], elements: ["0.0.0.0/0"] },
  { title: "a single address has no length", cidrs: ["10.0.0.1/32"], elements: ["10.0.0.1"] },
  {
    title: "neighbours that are no prefix are a range",
    cidrs: ["10.0.0.1/32", "10.0.0.2/32"],
    elements: ["10.0.0.1-10.0.0.2"],
  },
  { title: "what lies within another is gone", cidrs: ["10.1.0.0/16", "10.0.0.0/8"], elements: ["10.0.0.0/8"] },
  { title: "a gap stays a gap", cidrs: ["10.0.0.0/32", "10.0.0.2/32"], elements: ["10.0.0.0", "10.0.0.2"] },
  { title: "the other family is left out", cidrs: ["::/0", "10.0.0.0/8"], elements: ["10.0.0.0/8"] },
  { title: "the last address of all does not wrap", cidrs: ["255.255.255.255/32"], elements: ["255.255.255.255"] },
  { title: "nothing is nothing", cidrs: [], elements: [] },
];

describe("intervals of addresses", () => {
  for (const { title, cidrs, elements } of addressCases)
    it(title, () => {
      assert.deepEqual([...addressIntervals(4, cidrs.map(parseCidr))], elements);
    });

  it("IPv6 in whole is ::/0", () => {
    assert.deepEqual([...addressIntervals(6, ["::/1", "8000::/1"].map(parseCidr))], ["::/0"]);
  });

  it("a range that ends among the IPv4-mapped addresses is still written as IPv6", () => {
    const cidrs = ["::fffd:0:0/96", "::fffe:0:0/95"].map(parseCidr);
    assert.deepEqual([...addressIntervals(6, cidrs)], ["::fffd:0:0-::ffff:ffff:ffff"]);
  });

  it("ports merge where they overlap or touch", () => {
    const ports = [
      { from: 80, to: 80 },
      { from: 81, to: 90 },
      { from: 85, to: 100 },
      { from: 443, to: 443 },
    ];
    assert.deepEqual([...portIntervals(ports)], ["80-100", "443"]);
  });
});
