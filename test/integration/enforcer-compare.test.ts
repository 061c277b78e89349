import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { compareWithKernel, listingInScratch } from "../../enforcer/compare.ts";
import { diff } from "../../enforcer/diff.ts";
import { listingOf } from "../../enforcer/listing.ts";
import { compareListings, type ListingDifference } from "../../enforcer/listing-diff.ts";
import { type NftAccess, openNft } from "../../enforcer/nft-open.ts";
import { nftProgram, printByProgram } from "../../enforcer/nft-program.ts";
import { render } from "../../enforcer/render.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { instruction, program, protocol } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";

const builder = program()
  .addresses("friends", "10.1.0.2", "10.1.0.3")
  .block("b", instruction(1, "allow", { field: "destination", in: "friends" as never, not: false }))
  .block("c", instruction(3, "deny", protocol(17)), instruction(4, "allow", protocol(6)))
  .class("c", { egress: [[["b", "c"], instruction(2, "deny")]] })
  .pod("web", "a", ["10.1.0.1"], "c");
const placement = builder.placement();
const { ruleset } = render(builder.program(), placement, viewOf(placement, "a", ["10.1.0.0/24"]));
const stage = [...ruleset.chains.keys()].find((name) => name.startsWith("stage_"));

/** What somebody does by hand, and the differences that it makes: key, what, lines. */
const tampers: readonly { title: string; commands: readonly string[]; says: readonly string[] }[] = [
  { title: "nothing", commands: [], says: [] },
  {
    title: "an element of a set is gone",
    commands: ["delete element inet sluice bound4 { 10.1.0.1 }"],
    says: ["changed set bound4", "+ 10.1.0.1"],
  },
  {
    title: "a network was added to an interval set",
    commands: ["add element inet sluice pod_cidrs4 { 192.0.2.0/24 }"],
    says: ["changed set pod_cidrs4", "- 192.0.2.0/24"],
  },
  {
    title: "a rule was put before all others",
    commands: ["insert rule inet sluice egress_forward ip saddr 10.1.0.1 accept"],
    says: ["changed chain egress_forward", "- ip saddr 10.1.0.1 accept"],
  },
  {
    title: "a rule was replaced by another, which no count of rules shows",
    commands: [`flush chain inet sluice ${stage}`, `add rule inet sluice ${stage} accept`],
    says: [`changed chain ${stage}`, "- accept"],
  },
  {
    title: "an address leads elsewhere",
    commands: [
      "delete element inet sluice egress4 { 10.1.0.1 }",
      "add element inet sluice egress4 { 10.1.0.1 : accept }",
    ],
    says: ["changed map egress4", "- 10.1.0.1 : accept"],
  },
  {
    title: "a chain was added",
    commands: ["add chain inet sluice foreign", "add rule inet sluice foreign counter drop"],
    says: ["foreign chain foreign", "- counter drop"],
  },
  {
    title: "the table sleeps: its hooks are not called",
    commands: ["add table inet sluice { flags dormant; }"],
    says: ["changed table"],
  },
  {
    title: "a base chain drops what no rule decides",
    commands: ["add chain inet sluice egress_input { policy drop; }"],
    says: ["changed chain egress_input"],
  },
];

describe("the ruleset in force compared with the wanted one", function () {
  this.timeout(30_000);
  needsKernel("nft");
  let [name, path] = ["", ""];
  let access: NftAccess;
  const compare = () => compareWithKernel(access, ruleset, path, systemClock);
  before(async () => {
    name = makeNamespace("compare");
    path = namespacePath(name);
    access = await openNft();
  });
  beforeEach(() => access.in(path).apply(diff(undefined, ruleset)));
  after(async () => {
    await access?.close();
    if (name !== "") deleteNamespace(name);
  });

  for (const { title, commands, says } of tampers)
    it(`tells exactly where ${title}`, async () => {
      for (const command of commands) runIn(name, "nft", command);
      const said = (await compare()).differences.flatMap(sayingsOf);
      assert.deepEqual(
        said.filter((line) => says.includes(line)),
        says,
        said.join("\n"),
      );
      assert.equal(said.filter((line) => !/^[-+] /.test(line)).length, Math.min(says.length, 1), said.join("\n"));
    });

  it("passes over what counters have counted and what is revoked just now", async () => {
    runIn(name, "nft", "add element inet sluice revoked4 { 10.1.0.1 . 10.1.0.2 . tcp . 1 . 2 timeout 1m }");
    assert.deepEqual((await compare()).differences, []);
  });

  it("says that there is no table", async () => {
    runIn(name, "nft", "flush ruleset");
    const { loaded, differences } = await compare();
    assert.equal(loaded, false);
    assert.ok(differences.every(({ what }) => what === "missing") && differences.length > 10);
  });

  it("is the same whichever way led there, and whichever of library and program is asked", async () => {
    const empty = render(program().program(), program().placement(), viewOf(program().placement(), "a")).ruleset;
    await access.in(path).apply(diff(undefined, empty));
    await access.in(path).apply(diff(empty, ruleset));
    const byProgram = await printByProgram(path, "json");
    assert.ok(byProgram);
    assert.deepEqual(compareListings(await listingInScratch(access, ruleset), listingOf(byProgram)), []);
    await nftProgram(path).apply(diff(undefined, ruleset));
    assert.deepEqual((await compare()).differences, []);
    assert.equal((await compare()).size.rules, [...ruleset.chains.values()].flatMap(({ rules }) => rules).length);
  });
});

function sayingsOf({ key, what, lines }: ListingDifference): readonly string[] {
  return [`${what} ${key}`, ...lines.map(({ sign, words }) => `${sign} ${words}`)];
}
