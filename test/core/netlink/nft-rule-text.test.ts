import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../../core/errors.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";
import { ruleTextOf, verdictText } from "../../../core/netlink/nft-rule-text.ts";
import { addedRule } from "./captured-nft.ts";

/** The attribute NFTA_RULE_EXPRESSIONS of the message, without its header. */
const captured = Uint8Array.from(Buffer.from(addedRule, "hex").subarray(40));

type Write = (message: MessageWriter) => void;

const expression =
  (name: string, write: Write = () => {}): Write =>
  (message) =>
    message.nested(1, (inner) => inner.text(1, name).nested(2, (data) => write(data)));
const data =
  (type: number, bytes: readonly number[]): Write =>
  (message) =>
    message.nested(type, (inner) => inner.value(1, Uint8Array.from(bytes)));
const meta = (key: number) => expression("meta", (m) => m.u32be(1, 1).u32be(2, key));
const ct = (key: number) => expression("ct", (m) => m.u32be(1, 1).u32be(2, key));
const payload = (base: number, offset: number, length: number) =>
  expression("payload", (m) => m.u32be(1, 1).u32be(2, base).u32be(3, offset).u32be(4, length));
const compare = (operator: number, ...bytes: readonly number[]) =>
  expression("cmp", (m) => {
    m.u32be(1, 1).u32be(2, operator);
    data(3, bytes)(m);
  });
const mask = (...bytes: readonly number[]) => expression("bitwise", data(4, bytes));
const verdict = (code: number, chain?: string) =>
  expression("immediate", (m) =>
    m.u32be(1, 0).nested(2, (inner) =>
      inner.nested(2, (v) => {
        v.u32be(1, code >>> 0);
        if (chain !== undefined) v.text(2, chain);
      }),
    ),
  );
const name = (text: string, bytes: number) => [...Buffer.concat([Buffer.from(text)], bytes)];

function rule(...expressions: readonly Write[]): string {
  const message = new MessageWriter(0, 0);
  for (const write of expressions) write(message);
  return ruleTextOf(Uint8Array.from(message.finish(0).subarray(16)));
}

describe("core/netlink/nft-rule-text", () => {
  it("reads what a kernel told", () => assert.equal(ruleTextOf(captured), "ip saddr 10.0.0.1 drop"));

  const cases: readonly (readonly [text: string, expressions: readonly Write[]])[] = [
    ["ip daddr 10.0.0.0/8 accept", [payload(1, 16, 4), mask(255, 0, 0, 0), compare(0, 10, 0, 0, 0), verdict(1)]],
    ["ip daddr 192.0.2.0/24", [meta(15), compare(0, 2), payload(1, 16, 3), compare(0, 192, 0, 2)]],
    ["ip6 daddr fd00::/8", [meta(15), compare(0, 10), payload(1, 24, 1), compare(0, 0xfd)]],
    ["meta nfproto ipv6 th dport 53", [meta(15), compare(0, 10), payload(2, 2, 2), compare(0, 0, 53)]],
    ["ip protocol udp", [payload(1, 9, 1), compare(0, 17)]],
    [
      "ip6 saddr fd00::9 return",
      [meta(15), compare(0, 10), payload(1, 8, 16), compare(0, 0xfd, ...new Array<number>(14).fill(0), 9), verdict(-5)],
    ],
    [
      "meta l4proto tcp th dport != 443 jump class_a",
      [meta(16), compare(0, 6), payload(2, 2, 2), compare(1, 1, 187), verdict(-3, "class_a")],
    ],
    [
      'iifname "eth0" oifname "cali*" drop',
      [meta(6), compare(0, ...name("eth0", 16)), meta(7), compare(0, ...name("cali", 4)), verdict(0)],
    ],
    ["th sport >= 1024 th sport <= 2047", [payload(2, 0, 2), compare(5, 4, 0), payload(2, 0, 2), compare(3, 7, 255)]],
    ["ct state established,related accept", [ct(0), mask(6, 0, 0, 0), compare(1, 0, 0, 0, 0), verdict(1)]],
    ["meta mark 0x00000001", [meta(3), compare(0, 0, 0, 0, 1)]],
    ["@nh,48,8 0x01", [payload(1, 6, 1), compare(0, 1)]],
    [
      "ip saddr . th dport @friends",
      [payload(1, 12, 4), payload(2, 2, 2), expression("lookup", (m) => m.text(1, "friends").u32be(2, 1))],
    ],
    [
      "ip saddr != @friends",
      [payload(1, 12, 4), expression("lookup", (m) => m.text(1, "friends").u32be(2, 1).u32be(5, 1))],
    ],
    [
      "ip saddr vmap @egress4",
      [payload(1, 12, 4), expression("lookup", (m) => m.text(1, "egress4").u32be(2, 1).u32be(3, 0))],
    ],
    [
      'counter log prefix "D|E|\\u001b" notrack',
      [expression("counter"), expression("log", (m) => m.text(2, "D|E|\x1b")), expression("notrack")],
    ],
    [
      "counter name hits [quota2] meta mark set",
      [
        expression("objref", (m) => m.text(2, "hits")),
        expression("quota2"),
        expression("meta", (m) => m.u32be(2, 3).u32be(3, 1)),
      ],
    ],
    ["", []],
  ];
  for (const [text, expressions] of cases)
    it(`reads ${text === "" ? "a rule that says nothing" : text}`, () => assert.equal(rule(...expressions), text));

  it("makes of any bytes words, or DECODE_FAILED, and nothing else", () => {
    const mutated = fc
      .tuple(fc.nat(captured.length - 1), fc.nat(255), fc.nat(captured.length))
      .map(([at, byte, cut]) => {
        const bytes = Uint8Array.from(captured);
        bytes[at] = byte;
        return bytes.subarray(0, cut % 2 === 0 ? cut : undefined);
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          ruleTextOf(bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("names verdicts that it does not know", () => assert.equal(verdictText(7, null), "verdict 7"));
});
