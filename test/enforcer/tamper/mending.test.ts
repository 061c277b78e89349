import assert from "node:assert/strict";
import { diff } from "../../../enforcer/diff.ts";
import { mending } from "../../../enforcer/tamper/mending.ts";
import type { TableEvent } from "../../../enforcer/tamper/table-event.ts";
import { textOf } from "../../../enforcer/text.ts";
import { elementEvent, namedEvent, ruleEvent, tableEvent, wanted } from "./world.ts";

const flushed = [
  "flush chain inet sluice base",
  "add rule inet sluice base th dport 80 accept",
  "add rule inet sluice base th dport 443 accept",
  "add rule inet sluice base drop",
];

describe("enforcer/tamper/mending", () => {
  const small: readonly (readonly [title: string, events: readonly TableEvent[], commands: readonly string[]])[] = [
    ["a rule that is gone: the chain anew", [ruleEvent("base", 7, true)], flushed],
    ["a rule that came: the chain anew", [ruleEvent("base", 7, false)], flushed],
    ["many rules of a chain: once", [ruleEvent("base", 7, true), ruleEvent("base", 8, true)], flushed],
    [
      "an element that is gone",
      [elementEvent("pods", [10, 0, 0, 1], true)],
      ["add element inet sluice pods { 10.0.0.1 }"],
    ],
    [
      "an element that came",
      [elementEvent("pods", [10, 0, 0, 2], false)],
      ["delete element inet sluice pods { 10.0.0.2 }"],
    ],
    [
      "an element that came and went",
      [elementEvent("pods", [10, 0, 0, 2], false), elementEvent("pods", [10, 0, 0, 2], true)],
      [],
    ],
    [
      "an element that went and came",
      [elementEvent("pods", [10, 0, 0, 1], true), elementEvent("pods", [10, 0, 0, 1], false)],
      [],
    ],
    [
      "an entry that leads elsewhere",
      [
        elementEvent("egress", [10, 0, 0, 1], true, { jump: "class_a" }),
        elementEvent("egress", [10, 0, 0, 1], false, { jump: "base" }),
      ],
      ["delete element inet sluice egress { 10.0.0.1 }", "add element inet sluice egress { 10.0.0.1 : jump class_a }"],
    ],
    [
      "an entry that came",
      [elementEvent("egress", [10, 0, 0, 2], false, { jump: "class_a" })],
      ["delete element inet sluice egress { 10.0.0.2 }"],
    ],
    [
      "an element with a timeout that came",
      [elementEvent("revoked", [10, 0, 0, 2], false)],
      ["delete element inet sluice revoked { 10.0.0.2 }"],
    ],
    ["an element with a timeout that went: its owner decides", [elementEvent("revoked", [10, 0, 0, 2], true)], []],
  ];
  for (const [title, events, commands] of small)
    it(title, () => {
      const transaction = mending(wanted, [{ events, omitted: 0 }]);
      assert.deepEqual(
        textOf(transaction ?? assert.fail("everything anew"))
          .split("\n")
          .filter(Boolean),
        commands,
      );
    });

  it("takes away chains and sets of others once nothing refers to them", () => {
    const events = [
      namedEvent("chain", "backdoor", false),
      ruleEvent("backdoor", 30, false),
      namedEvent("set", "loot", false),
      namedEvent("object", "hits", false),
      elementEvent("loot", [10, 0, 0, 9], false),
      ruleEvent("base", 31, false),
      elementEvent("egress", [10, 0, 0, 2], false, { jump: "backdoor" }),
    ];
    assert.deepEqual(textOf(mending(wanted, [{ events, omitted: 0 }]) ?? []).split("\n"), [
      "flush chain inet sluice backdoor",
      ...flushed,
      "delete element inet sluice egress { 10.0.0.2 }",
      "delete chain inet sluice backdoor",
      "delete set inet sluice loot",
      "delete counter inet sluice hits",
    ]);
  });

  const large: readonly (readonly [title: string, events: readonly TableEvent[], omitted?: number])[] = [
    ["the table is gone", [tableEvent(true)]],
    ["a chain is gone", [namedEvent("chain", "base", true)]],
    ["a chain came whose name is none of ours", [namedEvent("chain", "Back-door", false)]],
    ["a chain of ours came anew", [namedEvent("chain", "base", false)]],
    ["a set is gone", [namedEvent("set", "pods", true)]],
    ["an interval changed", [elementEvent("nets", [10, 0, 0, 0], true)]],
    ["a key is not one of ours", [elementEvent("pods", [10, 0, 0], false)]],
    ["a set is not ours", [elementEvent("loot", [10, 0, 0, 1], false)]],
    ["a rule of a chain that is not ours", [ruleEvent("backdoor", 3, false)]],
    ["not all is known", [ruleEvent("base", 7, true)], 1],
    ["a counter is gone", [namedEvent("object", "hits", true)]],
    ["a small thing beside a large one", [ruleEvent("base", 7, true), namedEvent("object", "x", true)]],
  ];
  for (const [title, events, omitted = 0] of large)
    it(`everything is written anew where ${title}`, () =>
      assert.equal(mending(wanted, [{ events, omitted }]), undefined));

  it("undoes several at once", () => {
    const one = { events: [ruleEvent("base", 7, true)], omitted: 0 };
    const other = { events: [elementEvent("pods", [10, 0, 0, 1], true)], omitted: 0 };
    assert.equal(mending(wanted, [one, other])?.length, 3);
    assert.ok(diff(undefined, wanted).length > 3);
  });
});
