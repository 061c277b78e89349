import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import type { RuleId } from "../../core/rule-id.ts";
import { diff } from "../../enforcer/diff.ts";
import { addressElement, type Element, numberElement } from "../../enforcer/element.ts";
import type { Nft } from "../../enforcer/nft.ts";
import { type Command, emptyRuleset, nameOf, type Rule } from "../../enforcer/ruleset.ts";
import { plainInventory } from "../support/plain-inventory.ts";
import { membershipContract } from "./nft-membership.contract.ts";

const web = addressElement(parseAddress("10.0.0.1"));
const api = addressElement(parseAddress("10.0.0.2"));
const other = addressElement(parseAddress("10.0.0.3"));
const [set, map, chain, base] = [nameOf("pods"), nameOf("way"), nameOf("work"), nameOf("start")];
const seen = nameOf("seen");
const accept: Rule = { when: [], statements: [{ do: "accept" }] };
const dispatch: Rule = { when: [], statements: [{ do: "dispatch", key: ["saddr4"], map }] };
const labelled: Rule = {
  when: [{ if: "member", key: ["saddr4"], set, not: true }],
  statements: [{ do: "label", direction: "ingress", rule: "7fffffffffffffff" as RuleId }, { do: "accept" }],
};

const addSet: Command = { verb: "add-set", set: { name: set, type: ["ipv4_addr"], flag: null } };
const addMap: Command = { verb: "add-map", map: { name: map, type: ["ipv4_addr"] } };
const addChain: Command = { verb: "add-chain", chain: { name: chain, base: null } };
const addBase: Command = { verb: "add-chain", chain: { name: base, base: { hook: "forward", priority: -5 } } };
const addRules = (to: typeof chain, ...rules: Rule[]): Command => ({ verb: "add-rules", chain: to, rules });
const elements = (verb: "add-elements" | "delete-elements", ...elements: Element[]): Command => ({
  verb,
  set,
  elements,
});
const entry = (key: Element): Command => ({
  verb: "add-entries",
  map,
  entries: new Map([[key, { verdict: "jump", to: chain }]]),
});

const whole: readonly Command[] = [
  { verb: "add-table" },
  addSet,
  addMap,
  addChain,
  addBase,
  elements("add-elements", web),
  addRules(chain, labelled, accept),
  addRules(base, dispatch),
  entry(web),
];

const refusals: readonly { title: string; transaction: readonly Command[] }[] = [
  { title: "a rule in a chain that is not there", transaction: [addRules(nameOf("nowhere"), accept)] },
  {
    title: "a rule that jumps to a chain that is not there",
    transaction: [addRules(chain, { when: [], statements: [{ do: "jump", to: nameOf("nowhere") }] })],
  },
  {
    title: "a rule that looks into a set that is not there",
    transaction: [
      addRules(chain, {
        when: [{ if: "member", key: ["saddr4"], set: nameOf("nowhere"), not: false }],
        statements: [{ do: "drop" }],
      }),
    ],
  },
  { title: "deleting an element that is not there", transaction: [elements("delete-elements", other)] },
  { title: "deleting a set that a rule looks into", transaction: [{ verb: "delete-set", name: set }] },
  { title: "deleting a chain that a map jumps to", transaction: [{ verb: "delete-chain", name: chain }] },
  { title: "flushing a chain that is not there", transaction: [{ verb: "flush-chain", chain: nameOf("nowhere") }] },
];

/** What every Nft does. `open` gives one without our table. */
export function nftContract(name: string, open: () => Nft | Promise<Nft>): void {
  describe(`${name} keeps the contract of Nft`, () => {
    let nft: Nft;
    beforeEach(async () => {
      nft = await open();
      await nft.apply([{ verb: "add-table" }, { verb: "delete-table" }]);
    });
    afterEach(() => nft.apply([{ verb: "add-table" }, { verb: "delete-table" }]));

    membershipContract(() => nft);

    const listed = async () => plainInventory(await nft.list());

    it("lists nothing where there is no table", async () => {
      assert.equal(await nft.list(), undefined);
    });

    it("lists what was applied", async () => {
      await nft.apply(whole);
      const inventory = await listed();
      assert.deepEqual(inventory?.sets, new Map([[set, new Set([web])]]));
      assert.deepEqual(inventory?.maps, new Map([[map, new Set([web])]]));
      const chains = [...(inventory?.chains ?? [])].sort();
      assert.deepEqual(chains, [
        [base, 1],
        [chain, 2],
      ]);
    });

    it("takes an empty transaction", async () => {
      await nft.apply([]);
      await nft.check([]);
    });

    it("checks without changing anything", async () => {
      await nft.check(whole);
      assert.equal(await nft.list(), undefined);
    });

    it("adds and deletes elements", async () => {
      await nft.apply(whole);
      await nft.apply([elements("delete-elements", web), elements("add-elements", api)]);
      assert.deepEqual((await nft.list())?.sets.get(set), new Set([api]));
    });

    it("writes again what it was told last, or nothing", async () => {
      await nft.apply(whole);
      await nft.apply([elements("delete-elements", web), elements("add-elements", api)]);
      const before = await listed();
      await nft.rewrite([]);
      assert.deepEqual(await listed(), before);
      if (await nft.rewrite([elements("add-elements", web)]))
        assert.deepEqual((await nft.list())?.sets.get(set), new Set([api, web]));
    });

    it("writes nothing where there was no table", async () => {
      assert.equal(await nft.rewrite([]), false);
      assert.equal(await nft.list(), undefined);
    });

    it("replaces everything at once", async () => {
      await nft.apply(whole);
      await nft.apply(diff(undefined, emptyRuleset));
      assert.deepEqual((await nft.list())?.chains, new Map());
    });

    it("deletes what nothing refers to any more", async () => {
      await nft.apply(whole);
      await nft.apply([
        { verb: "flush-chain", chain: base },
        { verb: "flush-chain", chain },
        { verb: "delete-map", name: map },
        { verb: "delete-chain", name: chain },
        { verb: "delete-chain", name: base },
        { verb: "delete-set", name: set },
      ]);
      assert.deepEqual(await listed(), { sets: new Map(), maps: new Map(), counters: new Set(), chains: new Map() });
    });

    it("takes port numbers, ranges and concatenations as elements and lists them in the same words", async () => {
      const ports = nameOf("ports");
      const range = [numberElement(53, 65_535), "80-90" as Element];
      await nft.apply([
        { verb: "add-table" },
        { verb: "add-set", set: { name: ports, type: ["inet_service"], flag: "interval" } },
        { verb: "add-elements", set: ports, elements: range },
      ]);
      assert.deepEqual((await nft.list())?.sets.get(ports), new Set(range));
    });

    it("takes a set that packets fill, rules that ask it how often they come, and their end", async () => {
      const limit = { set: seen, of: 0xffff_fff0, source: "saddr4", perSecond: 10, burst: 20 } as const;
      const rule: Rule = { when: [{ if: "overLimit", ...limit }], statements: [{ do: "drop" }] };
      const set = { name: seen, type: ["mark", "ipv4_addr"], flag: "dynamic", timeoutMs: 10_000, size: 100 } as const;
      await nft.apply([{ verb: "add-table" }, { verb: "add-set", set }, addBase, addRules(base, rule)]);
      const found = await nft.list();
      assert.deepEqual([found?.sets.get(seen), found?.chains.get(base)], [new Set(), 1]);
      await assert.rejects(nft.apply([{ verb: "delete-set", name: seen }]), { code: "NFT_FAILED" });
      await nft.apply([
        { verb: "flush-chain", chain: base },
        { verb: "delete-set", name: seen },
      ]);
      assert.deepEqual((await listed())?.sets, new Map());
    });

    for (const { title, transaction } of refusals)
      it(`refuses ${title}, and keeps what was there`, async () => {
        await nft.apply(whole);
        const before = await listed();
        const attempt = [elements("add-elements", api), ...transaction];
        await assert.rejects(nft.check(attempt), isRefusal);
        await assert.rejects(nft.apply(attempt), isRefusal);
        assert.deepEqual(await listed(), before);
      });

    it("refuses changes of a table that is not there", async () => {
      await assert.rejects(nft.apply([addSet]), isRefusal);
    });
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof SluiceError && error.code === "NFT_FAILED";
}
