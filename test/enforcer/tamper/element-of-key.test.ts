import assert from "node:assert/strict";
import fc from "fast-check";
import type { DataType } from "../../../enforcer/ruleset.ts";
import { elementOfKey, intervalsOfKeys } from "../../../enforcer/tamper/element-of-key.ts";

const key = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("enforcer/tamper/element-of-key", () => {
  const eth0 = "65746830000000000000000000000000";
  const cases: readonly (readonly [type: readonly DataType[], hex: string, element: string | undefined])[] = [
    [["ipv4_addr"], "0a010001", "10.1.0.1"],
    [["ipv6_addr"], "fd000000000000000000000000000009", "fd00::9"],
    [["ipv6_addr"], "00000000000000000000ffff0a010001", "::ffff:a01:1"],
    [["inet_proto"], "06", "6"],
    [["inet_service"], "1f90", "8080"],
    [["ifname"], eth0, '"eth0"'],
    [["ifname", "ipv4_addr"], `${eth0} 0a010001`, '"eth0" . 10.1.0.1'],
    [["ipv4_addr", "inet_proto", "inet_service"], "0a010001 11000000 00350000", "10.1.0.1 . 17 . 53"],
    [["ipv4_addr"], "0a0100", undefined],
    [["ipv4_addr"], "0a01000100", undefined],
    [["ipv4_addr", "ipv4_addr"], "0a010001", undefined],
    [["ifname"], "2a222a00000000000000000000000000", undefined],
  ];
  for (const [type, hex, element] of cases)
    it(`${hex} of ${type.join(" . ")} is ${element ?? "none of ours"}`, () =>
      assert.equal(elementOfKey(key(hex), type), element));

  it("takes any bytes", () => {
    const types = fc.array(
      fc.constantFrom<DataType>("ifname", "ipv4_addr", "ipv6_addr", "inet_proto", "inet_service"),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(fc.property(types, fc.uint8Array({ maxLength: 60 }), (type, bytes) => void elementOfKey(bytes, type)));
  });

  const start = (hex: string) => ({ key: key(hex), isEnd: false, verdict: null });
  const end = (hex: string) => ({ key: key(hex), isEnd: true, verdict: null });
  const intervals: readonly (readonly [
    title: string,
    elements: ReturnType<typeof start>[],
    type: DataType,
    texts: string[],
  ])[] = [
    ["a prefix", [start("0a000000"), end("0a000100")], "ipv4_addr", ["10.0.0.0/24"]],
    ["told backwards", [end("0a000308"), start("0a000301")], "ipv4_addr", ["10.0.3.1-10.0.3.7"]],
    [
      "two that touch",
      [start("0a000000"), end("0a000100"), start("0a000100"), end("0a000200")],
      "ipv4_addr",
      ["10.0.0.0/24", "10.0.1.0/24"],
    ],
    ["without the mark at zero", [end("00000000"), start("0a000000"), end("0a000100")], "ipv4_addr", ["10.0.0.0/24"]],
    ["ports", [start("0050"), end("0051"), start("1f90"), end("1fa0")], "inet_service", ["80", "8080-8095"]],
    ["one without its other half", [start("0a000000")], "ipv4_addr", ["from 10.0.0.0"]],
  ];
  for (const [title, elements, type, texts] of intervals)
    it(`intervals: ${title}`, () => assert.deepEqual(intervalsOfKeys(elements, type), texts));
});
