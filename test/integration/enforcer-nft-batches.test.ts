import assert from "node:assert/strict";
import fc from "fast-check";
import { cidrOf, formatAddress } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { diff } from "../../enforcer/diff.ts";
import { addressElement, concatenation, type Element, numberElement } from "../../enforcer/element.ts";
import type { Nft } from "../../enforcer/nft.ts";
import { NftLibrary } from "../../enforcer/nft-library.ts";
import { addressIntervals, portIntervals } from "../../enforcer/ranges.ts";
import {
  type Chain,
  type Command,
  emptyRuleset,
  type MapVerdict,
  type NamedSet,
  nameOf,
  type Ruleset,
} from "../../enforcer/ruleset.ts";
import { canonicalTable } from "../support/canonical-table.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { plainInventory } from "../support/plain-inventory.ts";
import { until } from "../support/until.ts";

const [pods, nets4, nets6, ports, named] = [
  nameOf("pods"),
  nameOf("nets4"),
  nameOf("nets6"),
  nameOf("ports"),
  nameOf("named"),
];
const [map, left, right] = [nameOf("ways"), nameOf("left"), nameOf("right")];
const work = (name: Chain["name"], rules: number): Chain => ({
  name,
  base: null,
  rules: Array.from({ length: rules }, () => ({ when: [], statements: [{ do: "accept" }] })),
});

// A few addresses at both ends and in the middle, so that neighbours, touching ranges and returning members are common.
const address4 = fc
  .tuple(fc.constantFrom(0n, 0x0a000000n, 0xfffffff0n), fc.bigInt(0n, 15n))
  .map(([base, low]) => formatAddress(4, base + low));
const address6 = fc
  .tuple(fc.constantFrom(0n, 0xfdn << 120n, (1n << 128n) - 16n), fc.bigInt(0n, 15n))
  .map(([base, low]) => formatAddress(6, base + low));
const cidr4 = fc.tuple(address4, fc.constantFrom(0, 1, 8, 24, 28, 30, 31, 32, 32)).map(([a, bits]) => cidrOf(a, bits));
const cidr6 = fc.tuple(address6, fc.constantFrom(1, 64, 124, 127, 128, 128)).map(([a, bits]) => cidrOf(a, bits));
const port = fc.constantFrom(0, 1, 2, 80, 81, 65_534, 65_535);
const range = fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const set = (name: NamedSet["name"], type: NamedSet["type"], flag: NamedSet["flag"], elements: Iterable<Element>) =>
  ({ name, type, flag, elements: new Set(elements) }) satisfies NamedSet;

const ruleset = fc
  .record({
    pods: fc.array(address4, { maxLength: 8 }),
    four: fc.array(cidr4, { maxLength: 5 }),
    six: fc.array(cidr6, { maxLength: 5 }),
    ports: fc.array(range, { maxLength: 3 }),
    named: fc.array(fc.tuple(address4, fc.constantFrom(6, 17), port), { maxLength: 5 }),
    ways: fc.array(fc.tuple(address4, fc.constantFrom(left, right, null)), { maxLength: 6 }),
    chains: fc.constantFrom([left, right], [left, right, nameOf("further")]),
  })
  .map((random): Ruleset => {
    const concatenations = random.named.map(([address, protocol, port]) =>
      concatenation(addressElement(address), numberElement(protocol, 255), numberElement(port, 65_535)),
    );
    const sets = [
      set(pods, ["ipv4_addr"], null, random.pods.map(addressElement)),
      set(nets4, ["ipv4_addr"], "interval", addressIntervals(4, random.four)),
      set(nets6, ["ipv6_addr"], "interval", addressIntervals(6, random.six)),
      set(ports, ["inet_service"], "interval", portIntervals(random.ports)),
      set(named, ["ipv4_addr", "inet_proto", "inet_service"], null, concatenations),
    ];
    const verdict = (to: typeof left | null): MapVerdict =>
      to === null ? { verdict: "accept" } : { verdict: "jump", to };
    const entries = new Map(random.ways.map(([address, to]) => [addressElement(address), verdict(to)]));
    return {
      ...emptyRuleset,
      sets: new Map(sets.map((one) => [one.name, one])),
      maps: new Map([[map, { name: map, type: ["ipv4_addr"], entries }]]),
      chains: new Map(random.chains.map((name, rules) => [name, work(name, rules + 1)])),
    };
  });

describe("batches of changes to nftables", function () {
  this.timeout(60_000);
  needsKernel("nft");
  let library: NftLibrary;
  let [ours, theirs]: [string, string] = ["", ""];
  let nft: Nft;
  before(async () => {
    [ours, theirs] = [makeNamespace("batch"), makeNamespace("text")];
    library = await NftLibrary.open();
    nft = library.in(namespacePath(ours));
  });
  after(async () => {
    await library?.close();
    for (const namespace of [ours, theirs]) if (namespace !== "") deleteNamespace(namespace);
  });

  it("leave the kernel as libnftables leaves another one, change by change", async () => {
    const table = (namespace: string) => runIn(namespace, "nft", "list", "table", "inet", "sluice");
    const text = library.in(namespacePath(theirs), { batches: false });
    await fc.assert(
      fc.asyncProperty(fc.array(ruleset, { minLength: 2, maxLength: 6 }), async (states) => {
        let before: Ruleset | undefined;
        for (const state of states) {
          const transaction = diff(before, state);
          await nft.apply(transaction);
          await text.apply(transaction);
          before = state;
          assert.deepEqual(plainInventory(await nft.list()), plainInventory(await text.list()));
        }
        assert.equal(table(ours), table(theirs));
      }),
      { numRuns: 60 },
    );
  });

  it("are remembered, so that a table that others took away is written again as it was", async () => {
    const table = (namespace: string) => runIn(namespace, "nft", "list", "table", "inet", "sluice");
    const text = library.in(namespacePath(theirs), { batches: false });
    await fc.assert(
      fc.asyncProperty(fc.array(ruleset, { minLength: 1, maxLength: 30 }), async (states) => {
        let before: Ruleset | undefined;
        for (const state of states) {
          await nft.apply(diff(before, state));
          before = state;
        }
        const more: Command[] = [{ verb: "add-counter", name: nameOf("more") }];
        runIn(ours, "nft", "flush ruleset");
        assert.equal(await nft.rewrite(more), true);
        await text.apply([...diff(undefined, before as Ruleset), ...more]);
        assert.deepEqual(plainInventory(await nft.list()), plainInventory(await text.list()));
        assert.equal(canonicalTable(table(ours)), canonicalTable(table(theirs)));
      }),
      { numRuns: 40 },
    );
  });

  it("are not remembered once something else has written to the table", async () => {
    await nft.apply(diff(undefined, refusing));
    await library.in(namespacePath(ours), { batches: false }).apply([{ verb: "add-counter", name: nameOf("more") }]);
    assert.equal(await nft.rewrite([]), false);
    await nft.apply(diff(undefined, refusing));
    assert.equal(await nft.rewrite([]), true);
  });

  it("match packets by intervals that the batch began an empty set with", async () => {
    await nft.apply(diff(undefined, emptyRuleset));
    await nft.apply([{ verb: "add-set", set: { name: nets4, type: ["ipv4_addr"], flag: "interval" } }]);
    runIn(ours, "nft", "add chain inet sluice o { type filter hook output priority 0 ; }");
    runIn(ours, "nft", "add rule inet sluice o ip daddr @nets4 udp dport 9 counter");
    const fresh = addressIntervals(4, [
      cidrOf(formatAddress(4, 0x7f000004n), 30),
      cidrOf(formatAddress(4, 0x7f00000an), 32),
    ]);
    await nft.apply([{ verb: "add-elements", set: nets4, elements: [...fresh] }]);
    const send = [1, 3, 4, 5, 7, 8, 9, 10, 11, 254].map((last) => `echo > /dev/udp/127.0.0.${last}/9`);
    runIn(ours, "bash", "-c", send.join("; "));
    assert.match(runIn(ours, "nft", "list", "table", "inet", "sluice"), /counter packets 4 /);
  });

  it("are as long as they need to be, in one transaction", async () => {
    const all = Array.from({ length: 100_000 }, (_, n) =>
      addressElement(formatAddress(4, 0x0a000000n + BigInt(2 * n))),
    );
    await nft.apply(diff(undefined, emptyRuleset));
    await nft.apply([{ verb: "add-set", set: { name: pods, type: ["ipv4_addr"], flag: null } }]);
    await nft.apply([{ verb: "add-elements", set: pods, elements: all }]);
    // While the kernel sorts so large a set into a larger table, a listing may leave out some.
    await until("all elements", async () => (await nft.list())?.sets.get(pods)?.size === all.length, 30_000);
  });

  it("are remembered also where the load was large, through many changes of one set", async () => {
    const all = Array.from({ length: 100_000 }, (_, n) => addressElement(formatAddress(4, 0x0a000000n + BigInt(n))));
    const large: Ruleset = { ...emptyRuleset, sets: new Map([[pods, set(pods, ["ipv4_addr"], null, all)]]) };
    await nft.apply(diff(undefined, large));
    for (let turn = 0; turn < 400; turn++) {
      const verb = turn % 2 === 0 ? ("delete-elements" as const) : ("add-elements" as const);
      await nft.apply([{ verb, set: pods, elements: all.slice(0, 3) }]);
    }
    runIn(ours, "nft", "flush ruleset");
    assert.equal(await nft.rewrite([]), true);
    await until("all elements", async () => (await nft.list())?.sets.get(pods)?.size === all.length, 30_000);
  });

  it("leave room in a set, and make more of it, however its members come and go", async () => {
    const all = Array.from({ length: 2_000 }, (_, n) => addressElement(formatAddress(4, 0x0a000000n + BigInt(n))));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: all.length }), { minLength: 1, maxLength: 8 }),
        async (sizes) => {
          const withPods = (count: number): Ruleset => ({
            ...emptyRuleset,
            sets: new Map([[pods, set(pods, ["ipv4_addr"], null, all.slice(0, count))]]),
          });
          let before: Ruleset | undefined;
          for (const count of sizes) {
            await nft.apply(diff(before, withPods(count)));
            before = withPods(count);
            assert.deepEqual((await nft.list())?.sets.get(pods)?.size, count);
          }
          runIn(ours, "nft", "delete table inet sluice");
          assert.equal(await nft.rewrite([]), true);
          assert.deepEqual(plainInventory(await nft.list())?.sets, new Map([[pods, before?.sets.get(pods)?.elements]]));
        },
      ),
      { numRuns: 15, examples: [[[40, 2_000, 10, 2_000]]] },
    );
  });

  it("notice a set that somebody made anew with another type", async () => {
    await nft.apply(diff(undefined, refusing));
    const add = (element: string) => nft.apply([{ verb: "add-elements", set: pods, elements: [element as Element] }]);
    await add("10.0.0.2");
    runIn(ours, "nft", "delete set inet sluice pods; add set inet sluice pods { type ipv6_addr ; }");
    await assert.rejects(add("10.0.0.3"), (error) => error instanceof SluiceError && error.code === "NFT_FAILED");
    await add("fd00::3");
    assert.deepEqual((await nft.list())?.sets.get(pods), new Set(["fd00::3"]));
  });

  const element = "10.0.0.9" as Element;
  const refusals: readonly { readonly title: string; readonly change: readonly Command[]; readonly says: RegExp }[] = [
    {
      title: "an element that is not there",
      change: [{ verb: "delete-elements", set: pods, elements: ["10.0.0.1" as Element, element] }],
      says: /^nftables: delete-elements pods 10\.0\.0\.9: ENOENT, /,
    },
    {
      title: "an overlap",
      change: [{ verb: "add-elements", set: nets4, elements: ["10.0.0.0/25" as Element] }],
      says: /^nftables: add-elements nets4 10\.0\.0\.0\/25: (EEXIST|ENOTEMPTY), /,
    },
    {
      title: "a chain that something leads to",
      change: [{ verb: "delete-chain", name: left }],
      says: /^nftables: delete-chain left: EBUSY, /,
    },
    {
      title: "an entry that leads elsewhere",
      change: [{ verb: "add-entries", map, entries: new Map([[element, { verdict: "jump", to: right }]]) }],
      says: /^nftables: add-entries ways 10\.0\.0\.9: EEXIST, /,
    },
    {
      title: "a set that is not there",
      change: [{ verb: "add-elements", set: nameOf("nowhere"), elements: [element] }],
      says: /^nftables: set nowhere: ENOENT/,
    },
    {
      title: "an entry that leads nowhere",
      change: [
        { verb: "add-entries", map, entries: new Map([["10.0.0.8" as Element, { verdict: "jump", to: nameOf("x") }]]) },
      ],
      says: /^nftables: add-entries ways 10\.0\.0\.8: ENOENT, /,
    },
  ];
  for (const { title, change, says } of refusals)
    it(`say in which set, at which element and why: ${title}`, async () => {
      await nft.apply(diff(undefined, refusing));
      await assert.rejects(nft.apply(change), (error) => {
        assert.ok(error instanceof SluiceError && error.code === "NFT_FAILED", String(error));
        assert.match(error.message, says);
        return true;
      });
    });
});

const refusing: Ruleset = {
  ...emptyRuleset,
  sets: new Map([
    [pods, set(pods, ["ipv4_addr"], null, ["10.0.0.1" as Element])],
    [nets4, set(nets4, ["ipv4_addr"], "interval", ["10.0.0.0/24" as Element])],
  ]),
  maps: new Map([
    [
      map,
      { name: map, type: ["ipv4_addr"], entries: new Map([["10.0.0.9" as Element, { verdict: "jump", to: left }]]) },
    ],
  ]),
  chains: new Map([left, right].map((name) => [name, work(name, 1)])),
};
