import assert from "node:assert/strict";
import { decodeSet, type SetElement } from "../../../core/netlink/nf-sets.ts";
import { setRequest, TableChanges } from "../../../core/netlink/nf-tables.ts";
import { messagesOf } from "../../support/batch-messages.ts";

const four = (...bytes: readonly number[]) => Uint8Array.from(bytes);

interface Case {
  readonly title: string;
  readonly change: (changes: TableChanges) => void;
  /** Payload after nfgenmsg and the table's name. */
  readonly bytes: string;
  /** NFT_MSG_*, and NLM_F_REQUEST with NLM_F_CREATE where something is added. */
  readonly type: number;
  readonly flags: number;
}

const elements =
  (verb: "add" | "delete", set: string, ...list: readonly SetElement[]) =>
  (changes: TableChanges) =>
    changes.elements(0, verb, set, list);

// What nft 1.0.6 itself sends for the command in the title, written down by strace; less NFTA_SET_ELEM_LIST_SET_ID, which is for
// sets of the same batch, and less the element that ends nothing at the beginning of an empty set of intervals.
const cases: readonly Case[] = [
  {
    title: "add element inet sluice pods { 10.0.0.1, 10.0.0.2 }",
    change: elements("add", "pods", { key: four(10, 0, 0, 1) }, { key: four(10, 0, 0, 2) }),
    type: 12,
    flags: 0x401,
    bytes: "09000200706f647300000000 24000380 100001800c000180080001000a000001 100001800c000180080001000a000002",
  },
  {
    title: "add element inet sluice nets { 20.0.0.0/8, 255.255.255.255 }",
    change: elements(
      "add",
      "nets",
      { key: four(20, 0, 0, 0), end: four(21, 0, 0, 0) },
      { key: four(255, 255, 255, 255), end: null },
    ),
    type: 12,
    flags: 0x401,
    bytes:
      "090002006e65747300000000 48000380 100001800c0001800800010014000000 180001800800030000000001 0c0001800800010015000000" +
      "1c0001800c00018008000100ffffffff 0a000600010401000000 0000",
  },
  {
    title: "delete counter inet sluice hits",
    change: (changes) => changes.deleteCounter(0, "hits"),
    type: 20,
    flags: 1,
    bytes: "090002006869747300000000 0800030000000001",
  },
  {
    title: "add element inet sluice way { 10.0.0.1 : jump c, 10.0.0.2 : accept }",
    change: elements(
      "add",
      "way",
      { key: four(10, 0, 0, 1), verdict: { verdict: "jump", to: "c" } },
      { key: four(10, 0, 0, 2), verdict: { verdict: "accept" } },
    ),
    type: 12,
    flags: 0x401,
    bytes:
      "0800020077617900 4c000380 280001800c000180080001000a000001 18000280 14000280 08000100fffffffd 0600020063000000" +
      "200001800c000180080001000a000002 10000280 0c000280 0800010000000001",
  },
  {
    title: "delete element inet sluice way { 10.0.0.1 : jump c }",
    change: elements("delete", "way", { key: four(10, 0, 0, 1) }),
    type: 14,
    flags: 1,
    bytes: "0800020077617900 14000380 100001800c000180080001000a000001",
  },
  {
    title: "flush chain inet sluice c",
    change: (changes) => changes.flushChain(0, "c"),
    type: 8,
    flags: 1,
    bytes: "0600020063000000",
  },
  {
    title: "delete chain inet sluice c",
    change: (changes) => changes.deleteChain(0, "c"),
    type: 5,
    flags: 1,
    bytes: "0600030063000000",
  },
  {
    title: "delete set inet sluice protos",
    change: (changes) => changes.deleteSet(0, "protos"),
    type: 11,
    flags: 1,
    bytes: "0b00020070726f746f730000",
  },
];
const head = "01000000 0b000100736c7569636500 00";

describe("changes of a table of nftables", () => {
  for (const { title, change, type, flags, bytes } of cases)
    it(`${title} is what nft sends`, () => {
      const changes = new TableChanges("sluice", "inet");
      change(changes);
      const [message] = messagesOf(changes);
      assert.deepEqual([message?.readUInt16LE(4), message?.readUInt16LE(6)], [(10 << 8) | type, flags]);
      assert.equal(message?.subarray(16).toString("hex"), (head + bytes).replaceAll(" ", ""));
    });

  const many = Array.from({ length: 10_000 }, (_, n) => ({ key: four(10, 0, n >> 8, n & 255) }));

  it("take as many messages as the 16 bits of an attribute's length ask for", () => {
    const changes = new TableChanges("sluice", "inet");
    changes.elements(0, "add", "pods", many);
    const messages = messagesOf(changes);
    assert.equal(messages.length, 3);
    const elementBytes = 16;
    const lists = messages.map((message) => message.readUInt16LE(16 + 4 + 12 + 12) - 4);
    assert.equal(
      lists.reduce((sum, length) => sum + length, 0),
      elementBytes * many.length,
    );
  });

  it("find the element that the kernel complains about, by its place in a message", () => {
    const changes = new TableChanges("sluice", "inet");
    changes.flushChain(0, "c");
    changes.elements(1, "add", "pods", many);
    const first = 16 + 4 + 12 + 12 + 4;
    assert.deepEqual(changes.placeOf(0, null), { subject: 0, element: null });
    assert.deepEqual(changes.placeOf(1, first), { subject: 1, element: 0 });
    assert.deepEqual(changes.placeOf(1, first + 16 * 7), { subject: 1, element: 7 });
    assert.deepEqual(changes.placeOf(2, first + 16), { subject: 1, element: 4001 });
    assert.deepEqual(changes.placeOf(2, null), { subject: 1, element: null });
    assert.equal(changes.placeOf(-1, null), undefined);
  });
});

describe("a set as the kernel describes it", () => {
  it("has a type, a size and perhaps intervals", () => {
    const bytes = Buffer.from(`${head}0800030000000004 0800040000000007 0800050000000004`.replaceAll(" ", ""), "hex");
    const described = decodeSet(bytes, { start: 0, end: bytes.length });
    assert.deepEqual(described, { keyType: 7, isInterval: true });
  });

  it("is asked for by name", () => {
    const message = Buffer.from(setRequest("sluice", "inet", "pods").finish(1));
    assert.equal(message.subarray(16).toString("hex"), `${head}09000200706f647300000000`.replaceAll(" ", ""));
  });
});
