import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import type { Element } from "../../enforcer/element.ts";
import type { Nft } from "../../enforcer/nft.ts";
import { type Command, type MapVerdict, nameOf, type SetHeader } from "../../enforcer/ruleset.ts";
import { until } from "../support/until.ts";

const [set, map, chain, other] = [nameOf("members"), nameOf("ways"), nameOf("work"), nameOf("play")];

interface Case {
  readonly title: string;
  readonly type: SetHeader["type"];
  readonly flag?: SetHeader["flag"];
  /** Transactions one after the other: what each deletes, then adds. */
  readonly steps: readonly { readonly gone?: readonly string[]; readonly fresh?: readonly string[] }[];
  readonly listed: readonly string[];
}

const tuple = ["ipv4_addr", "ipv4_addr", "inet_proto", "inet_service", "inet_service"] as const;
const cases: readonly Case[] = [
  {
    title: "IPv4 addresses",
    type: ["ipv4_addr"],
    steps: [{ fresh: ["0.0.0.0", "10.0.0.1", "255.255.255.255"] }, { gone: ["10.0.0.1"], fresh: ["10.0.0.2"] }],
    listed: ["0.0.0.0", "10.0.0.2", "255.255.255.255"],
  },
  {
    title: "IPv6 addresses",
    type: ["ipv6_addr"],
    steps: [{ fresh: ["::", "fd00:10::1", "fd00::ffff:1"] }, { gone: ["fd00:10::1"] }],
    listed: ["::", "fd00::ffff:1"],
  },
  { title: "protocols", type: ["inet_proto"], steps: [{ fresh: ["6", "17", "255"] }], listed: ["6", "17", "255"] },
  {
    title: "prefixes and ranges of IPv4, among them the first and the last address",
    type: ["ipv4_addr"],
    flag: "interval",
    steps: [{ fresh: ["0.0.0.0/8", "10.0.0.1", "10.1.0.1-10.1.0.3", "192.168.0.0/16", "255.255.255.255"] }],
    listed: ["0.0.0.0/8", "10.0.0.1", "10.1.0.1-10.1.0.3", "192.168.0.0/16", "255.255.255.255"],
  },
  {
    title: "all of IPv4, and then one half of it",
    type: ["ipv4_addr"],
    flag: "interval",
    steps: [{ fresh: ["0.0.0.0/0"] }, { gone: ["0.0.0.0/0"], fresh: ["128.0.0.0/1"] }],
    listed: ["128.0.0.0/1"],
  },
  {
    title: "all of IPv6, and then one half of it",
    type: ["ipv6_addr"],
    flag: "interval",
    steps: [{ fresh: ["::/0"] }, { gone: ["::/0"], fresh: ["::/1"] }],
    listed: ["::/1"],
  },
  {
    title: "a prefix that grows and shrinks",
    type: ["ipv4_addr"],
    flag: "interval",
    steps: [
      { fresh: ["10.0.0.0/9", "20.0.0.0/8"] },
      { gone: ["10.0.0.0/9"], fresh: ["10.0.0.0/8"] },
      { gone: ["10.0.0.0/8"], fresh: ["10.0.0.0/16", "10.128.0.0/9"] },
    ],
    listed: ["10.0.0.0/16", "10.128.0.0/9", "20.0.0.0/8"],
  },
  {
    title: "ranges that touch",
    type: ["ipv4_addr"],
    flag: "interval",
    steps: [{ fresh: ["10.0.0.0/24", "10.0.2.0/24"] }, { fresh: ["10.0.1.0/24"] }, { gone: ["10.0.0.0/24"] }],
    listed: ["10.0.1.0/24", "10.0.2.0/24"],
  },
  {
    title: "prefixes and ranges of IPv6, among them IPv4-mapped addresses",
    type: ["ipv6_addr"],
    flag: "interval",
    steps: [
      { fresh: ["::fffd:0:0-::ffff:7fff:ffff", "fd00::/64", "fd00:1::1-fd00:1::3", "ff00::/8"] },
      { gone: ["fd00::/64", "::fffd:0:0-::ffff:7fff:ffff"] },
    ],
    listed: ["fd00:1::1-fd00:1::3", "ff00::/8"],
  },
  {
    title: "ports, among them the first and the last",
    type: ["inet_service"],
    flag: "interval",
    steps: [{ fresh: ["0-79", "443", "65000-65535"] }, { gone: ["443"], fresh: ["444-500"] }],
    listed: ["0-79", "444-500", "65000-65535"],
  },
  {
    title: "interfaces with IPv4 addresses",
    type: ["ifname", "ipv4_addr"],
    steps: [{ fresh: ['"slp0123456789ab" . 10.0.0.1', '"a" . 10.0.0.2'] }, { gone: ['"a" . 10.0.0.2'] }],
    listed: ['"slp0123456789ab" . 10.0.0.1'],
  },
  {
    title: "interfaces with IPv6 addresses",
    type: ["ifname", "ipv6_addr"],
    steps: [{ fresh: ['"slp.1-x@2" . fd00::1', '"slp_" . fd00::2'] }],
    listed: ['"slp.1-x@2" . fd00::1', '"slp_" . fd00::2'],
  },
  {
    title: "named ports",
    type: ["ipv4_addr", "inet_proto", "inet_service"],
    steps: [{ fresh: ["10.0.0.1 . 6 . 8080", "10.0.0.1 . 17 . 53"] }, { gone: ["10.0.0.1 . 6 . 8080"] }],
    listed: ["10.0.0.1 . 17 . 53"],
  },
];

const wrong: readonly { readonly title: string; readonly type: SetHeader["type"]; readonly element: string }[] = [
  { title: "an IPv6 address among IPv4 addresses", type: ["ipv4_addr"], element: "fd00::1" },
  { title: "a port above 65535", type: ["inet_service"], element: "65536" },
  { title: "one part where there are two", type: ["ipv4_addr", "inet_service"], element: "10.0.0.1" },
];

/** Part of nftContract: what is in sets and maps. `nft` has no table of ours at the start of each test. */
export function membershipContract(nft: () => Nft): void {
  const members = async () => [...((await nft().list())?.sets.get(set) ?? [])].sort();
  const entries = async () => [...((await nft().list())?.maps.get(map) ?? [])].sort();
  const makeSet = (type: SetHeader["type"], flag: SetHeader["flag"] = null) =>
    nft().apply([{ verb: "add-table" }, { verb: "add-set", set: { name: set, type, flag } }]);

  for (const { title, type, flag, steps, listed } of cases)
    it(`keeps ${title}`, async () => {
      await makeSet(type, flag ?? null);
      for (const { gone = [], fresh = [] } of steps) await nft().apply(changes(gone, fresh));
      assert.deepEqual(await members(), [...listed].sort());
    });

  it("keeps elements that end by themselves", async () => {
    const connection = "10.0.0.1 . 10.0.0.2 . 6 . 80 . 40000" as Element;
    const header: SetHeader = { name: set, type: tuple, flag: "timeout", timeoutMs: 600_000 };
    await nft().apply([{ verb: "add-table" }, { verb: "add-set", set: header }]);
    await nft().apply(changes([], [connection]));
    assert.deepEqual(await members(), [connection]);
    await nft().apply(changes([connection], []));
    assert.deepEqual(await members(), []);
  });

  for (const [type, web, api] of [
    ["ipv4_addr", "10.0.0.1", "10.0.0.2"],
    ["ipv6_addr", "fd00::1", "fd00::2"],
  ] as const)
    it(`keeps verdicts by ${type}, and leads an entry elsewhere`, async () => {
      await nft().apply([{ verb: "add-table" }, { verb: "add-map", map: { name: map, type: [type] } }, ...chains]);
      await nft().apply([addEntries([web, jump(chain)], [api, { verdict: "accept" }])]);
      await nft().apply([{ verb: "delete-entries", map, keys: [web as Element] }, addEntries([web, jump(other)])]);
      assert.deepEqual(await entries(), [web, api]);
      // Nothing leads to the one chain any more, but to the other.
      await nft().apply([{ verb: "delete-chain", name: chain }]);
      await assert.rejects(nft().apply([{ verb: "delete-chain", name: other }]), isRefusal);
    });

  it("takes a new chain, an entry that leads there and the end of the old chain at once", async () => {
    await nft().apply([{ verb: "add-table" }, { verb: "add-map", map: { name: map, type: ["ipv4_addr"] } }]);
    const first: Command[] = [
      { verb: "add-counter", name: hits },
      makeChain(chain),
      { verb: "add-rules", chain, rules: [counted] },
    ];
    await nft().apply([...first, addEntries(["10.0.0.1", jump(chain)])]);
    await nft().apply([
      makeChain(other),
      { verb: "add-rules", chain: other, rules: [accept, accept] },
      { verb: "delete-entries", map, keys: ["10.0.0.1" as Element] },
      addEntries(["10.0.0.1", jump(other)]),
      { verb: "flush-chain", chain },
      { verb: "delete-chain", name: chain },
      { verb: "delete-counter", name: hits },
    ]);
    assert.deepEqual([...((await nft().list())?.chains ?? [])], [[other, 2]]);
  });

  it("takes back new sets and chains when something else of the transaction is refused", async () => {
    await makeSet(["ipv4_addr"]);
    const before = await nft().list();
    const fresh = nameOf("fresh");
    const attempt: Command[] = [
      { verb: "add-set", set: { name: fresh, type: ["ipv4_addr"], flag: null } },
      makeChain(chain),
      makeChain(other),
      { verb: "add-rules", chain: other, rules: [{ when: [], statements: [{ do: "jump", to: chain }] }] },
      { verb: "add-elements", set: fresh, elements: ["10.0.0.1" as Element] },
      ...changes(["10.0.0.9"], []),
    ];
    await assert.rejects(nft().apply(attempt), isRefusal);
    assert.deepEqual(await nft().list(), before);
  });

  // A listing may leave out elements while the kernel sorts a set that has grown or shrunk into another table.
  it("carries out 20,000 changes, and none of them if the last is refused", async () => {
    const all = Array.from({ length: 20_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    await makeSet(["ipv4_addr"]);
    await assert.rejects(nft().apply(changes([], all).concat(changes(["10.9.0.0"], []))), isRefusal);
    assert.deepEqual(await members(), []);
    await nft().apply(changes([], all));
    await until("all of them", async () => (await members()).length === all.length, 10_000);
    await assert.rejects(nft().apply(changes([...all, "10.9.0.0"], [])), isRefusal);
    await nft().apply(changes(all.slice(1), []));
    await until("one of them", async () => (await members()).join() === "10.0.0.0", 10_000);
  }).timeout(60_000);

  it("refuses intervals that overlap, and keeps what was there", async () => {
    await makeSet(["ipv4_addr"], "interval");
    await nft().apply(changes([], ["10.0.0.0/24", "10.0.4.0/24"]));
    for (const range of ["10.0.0.0/25", "10.0.0.128/25", "10.0.0.7", "10.0.0.128-10.0.2.5", "10.0.3.9-10.0.4.5"])
      await assert.rejects(nft().apply(changes([], ["10.0.8.0/24", range])), isRefusal, range);
    assert.deepEqual(await members(), ["10.0.0.0/24", "10.0.4.0/24"]);
  });

  for (const { title, type, element } of wrong)
    it(`refuses ${title}`, async () => {
      await makeSet(type);
      await assert.rejects(nft().apply(changes([], [element])), isRefusal);
      assert.deepEqual(await members(), []);
    });

  it("refuses members of a set that is not there", async () => {
    await nft().apply([{ verb: "add-table" }]);
    await assert.rejects(nft().apply(changes([], ["10.0.0.1"])), isRefusal);
    await assert.rejects(nft().apply([addEntries(["10.0.0.1", { verdict: "accept" }])]), isRefusal);
  });

  it("refuses an entry that leads to a chain that is not there", async () => {
    await nft().apply([{ verb: "add-table" }, { verb: "add-map", map: { name: map, type: ["ipv4_addr"] } }]);
    await assert.rejects(nft().apply([addEntries(["10.0.0.1", jump(chain)])]), isRefusal);
    assert.deepEqual(await entries(), []);
  });
}

const hits = nameOf("hits");
const counted = { when: [], statements: [{ do: "count", counter: hits }] } as const;
const accept = { when: [], statements: [{ do: "accept" }] } as const;
const chains = [makeChain(chain), makeChain(other)];

function makeChain(name: typeof chain): Command {
  return { verb: "add-chain", chain: { name, base: null } };
}

function jump(to: typeof chain): MapVerdict {
  return { verdict: "jump", to };
}

function changes(gone: readonly string[], fresh: readonly string[]): Command[] {
  const commands: Command[] = [
    { verb: "delete-elements", set, elements: gone as readonly Element[] },
    { verb: "add-elements", set, elements: fresh as readonly Element[] },
  ];
  return commands.filter((command) => "elements" in command && command.elements.length > 0);
}

function addEntries(...entries: readonly (readonly [string, MapVerdict])[]): Command {
  return { verb: "add-entries", map, entries: new Map(entries as readonly (readonly [Element, MapVerdict])[]) };
}

function isRefusal(error: unknown): boolean {
  return error instanceof SluiceError && error.code === "NFT_FAILED";
}
