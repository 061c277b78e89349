import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { SluiceError } from "../../core/errors.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import type { Element } from "../../enforcer/element.ts";
import type { Nft } from "../../enforcer/nft.ts";
import { NftLibrary } from "../../enforcer/nft-library.ts";
import { openNft } from "../../enforcer/nft-open.ts";
import { nftProgram } from "../../enforcer/nft-program.ts";
import { nameOf, type Transaction } from "../../enforcer/ruleset.ts";
import { nftContract } from "../enforcer/nft.contract.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";

describe("nftables of a network namespace", function () {
  this.timeout(10_000);
  needsKernel("nft");
  let [namespace, path]: [string, string] = ["", ""];
  let library: NftLibrary;
  before(async () => {
    namespace = makeNamespace("nft");
    path = namespacePath(namespace);
    library = await NftLibrary.open();
  });
  after(async () => {
    await library?.close();
    if (namespace !== "") deleteNamespace(namespace);
  });

  nftContract("libnftables with batches", () => library.in(path));
  nftContract("libnftables alone", () => library.in(path, { batches: false }));
  nftContract("the nft program", () => nftProgram(path));

  const ways: readonly (readonly [string, () => Nft])[] = [
    ["libnftables", () => library.in(path)],
    ["the nft program", () => nftProgram(path)],
  ];
  for (const [way, open] of ways) {
    it(`${way} names the line that was refused`, async () => {
      const chain = nameOf("nowhere");
      const refused = open().apply([
        ...([{ verb: "add-table" }, { verb: "delete-table" }, { verb: "add-table" }] as const),
        { verb: "flush-chain", chain },
      ]);
      const named = (error: unknown) =>
        error instanceof SluiceError &&
        error.message === "nft: Could not process rule: No such file or directory" &&
        error.context["command"] === "flush chain inet sluice nowhere";
      await assert.rejects(refused, named);
    });

    it(`${way} leaves other tables alone`, async () => {
      runIn(namespace, "nft", "add table inet other");
      await open().apply([{ verb: "add-table" }, { verb: "delete-table" }]);
      assert.equal(runIn(namespace, "nft", "list", "tables"), "table inet other\n");
    });
  }

  it("a load of several parts is carried out whole, and not at all if one of them is refused", async () => {
    const elements = Array.from({ length: 6_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}` as Element);
    const fill = (name: string, some: readonly Element[] = elements): Transaction => [
      { verb: "add-set", set: { name: nameOf(name), type: ["ipv4_addr"], flag: null } },
      { verb: "add-elements", set: nameOf(name), elements: some },
    ];
    const anew = [{ verb: "add-table" }, { verb: "delete-table" }, { verb: "add-table" }] as const;
    const nft = library.in(path);
    const sizes = async () => [...((await nft.list())?.sets ?? [])].map(([name, { size }]) => [name, size]).sort();
    const whole = [
      ["a", 6_000],
      ["b", 6_000],
      ["c", 1],
    ];
    await nft.apply([...anew, ...fill("a"), ...fill("b"), ...fill("c", elements.slice(0, 1))]);
    assert.deepEqual(await sizes(), whole);
    const refused = nft.apply([
      ...anew,
      ...fill("d"),
      ...fill("e", ["fd00::1" as Element]),
      ...fill("f"),
      ...fill("g"),
    ]);
    await assert.rejects(refused, { code: "NFT_FAILED" });
    assert.deepEqual(await sizes(), whole);
    assert.equal(await nft.rewrite([]), false, "libnftables was asked after it");
    await nft.apply([{ verb: "add-table" }, { verb: "delete-table" }]);
  });

  it("the thread that ended is told of, and replaced by one that goes on", async () => {
    const threads: Worker[] = [];
    const begin = () => {
      threads.push(new Worker(new URL("../../enforcer/nft-worker.ts", import.meta.url)));
      return threads.at(-1) as Worker;
    };
    const mortal = await NftLibrary.open(begin);
    const nft = mortal.in(path);
    await nft.apply([{ verb: "add-table" }, { verb: "add-counter", name: nameOf("kept") }]);
    const waiting = nft.list();
    await threads[0]?.terminate();
    await assert.rejects(waiting, { code: "NFT_FAILED", message: /thread .* ended/ });
    assert.deepEqual([...((await nft.list())?.counters ?? [])], ["kept"]);
    assert.equal(await nft.rewrite([]), false, "nothing is remembered");
    assert.equal(threads.length, 2);
    await mortal.close();
    await assert.rejects(nft.list(), { code: "NFT_FAILED" });
    await nftProgram(path).apply([{ verb: "add-table" }, { verb: "delete-table" }]);
  });

  it("a namespace made anew under the same name is another one", async () => {
    await library.in(path).apply([{ verb: "add-table" }]);
    deleteNamespace(namespace);
    namespace = makeNamespace("nft");
    await library.in(namespacePath(namespace)).apply([{ verb: "add-table" }]);
    assert.match(runIn(namespace, "nft", "list", "tables"), /inet sluice/);
    path = namespacePath(namespace);
  });

  it("is opened by the library where it is installed", async () => {
    const access = await openNft();
    await access.close();
    assert.equal(access.way, "library");
  });

  it("a namespace that is not there is an error, not another namespace", async () => {
    const path = "/run/netns/sluice-test-nowhere";
    for (const open of [() => library.in(path), () => nftProgram(path)])
      await assert.rejects(open().apply([{ verb: "add-table" }]), (error) => error instanceof SluiceError);
  });
});
