import assert from "node:assert/strict";
import type { Element } from "../../enforcer/element.ts";
import { type Command, nameOf, type SetHeader } from "../../enforcer/ruleset.ts";
import { SetRooms } from "../../enforcer/set-room.ts";

const pods: SetHeader = { name: nameOf("pods"), type: ["ipv4_addr"], flag: null };
const elements = (count: number) => Array.from({ length: count }, (_, n) => `10.0.0.${n}` as Element);
const add = (count: number): Command => ({ verb: "add-elements", set: pods.name, elements: elements(count) });
const remove = (count: number): Command => ({ verb: "delete-elements", set: pods.name, elements: elements(count) });
const declare = (set: SetHeader): Command => ({ verb: "add-set", set });
const anew: Command[] = [{ verb: "add-table" }, { verb: "delete-table" }, { verb: "add-table" }];

const sizesOf = (commands: readonly Command[]) =>
  commands.flatMap((command) => (command.verb === "add-set" ? [(command.set as { size?: number }).size] : []));

/** Of the sets declared in each transaction, and of those that grow before it. */
function sizesAfter(...transactions: readonly (readonly Command[])[]) {
  const rooms = new SetRooms();
  return transactions.map((each) => {
    const { growth, transaction, done } = rooms.plan(each);
    done();
    return [sizesOf(transaction), sizesOf(growth)];
  });
}

describe("the room of sets", () => {
  const cases: readonly { title: string; transactions: readonly (readonly Command[])[]; sizes: unknown }[] = [
    {
      title: "is twice of what they begin with",
      transactions: [[declare(pods), add(30), add(20)]],
      sizes: [[[100], []]],
    },
    {
      title: "is the kernel's business where they begin small",
      transactions: [[declare(pods), add(31)], [add(500)]],
      sizes: [
        [[undefined], []],
        [[], []],
      ],
    },
    {
      title: "is the kernel's business where they hold intervals, or elements that end",
      transactions: [
        [declare({ ...pods, flag: "interval" }), add(50)],
        [declare({ ...pods, flag: "timeout" }), add(50)],
      ],
      sizes: [
        [[undefined], []],
        [[undefined], []],
      ],
    },
    {
      title: "is made before it is needed",
      transactions: [[declare(pods), add(50)], [add(50)], [add(1)], [add(101)]],
      sizes: [
        [[100], []],
        [[], []],
        [[], [202]],
        [[], []],
      ],
    },
    {
      title: "comes back with what goes",
      transactions: [[declare(pods), add(50)], [remove(40)], [add(90)], [remove(10), add(10)], [add(1)]],
      sizes: [
        [[100], []],
        [[], []],
        [[], []],
        [[], []],
        [[], [202]],
      ],
    },
    {
      title: "is forgotten with the set, and with the table",
      transactions: [
        [declare(pods), add(50)],
        [{ verb: "delete-set", name: pods.name }],
        [add(500)],
        [...anew, declare(pods), add(50)],
        [...anew, declare(pods)],
        [add(500)],
      ],
      sizes: [
        [[100], []],
        [[], []],
        [[], []],
        [[100], []],
        [[undefined], []],
        [[], []],
      ],
    },
  ];
  for (const { title, transactions, sizes } of cases)
    it(title, () => assert.deepEqual(sizesAfter(...transactions), sizes));

  it("is as it was when a transaction was refused", () => {
    const rooms = new SetRooms();
    rooms.plan([declare(pods), add(50)]).done();
    rooms.plan([add(50)]);
    assert.deepEqual(rooms.plan([add(50)]).growth, []);
  });
});
