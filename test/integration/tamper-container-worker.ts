import { execFileSync } from "node:child_process";
import { openNft } from "../../enforcer/nft-open.ts";
import { nftProgram } from "../../enforcer/nft-program.ts";
import { OwnChildren } from "../../enforcer/own-children.ts";
import { nameOf } from "../../enforcer/ruleset.ts";
import { RulesetFollower } from "../../enforcer/tamper/follower.ts";
import type { News } from "../../enforcer/tamper/news.ts";
import { until } from "../support/until.ts";

// A process in a pid namespace of its own: changes the ruleset by the library, by a child, and as somebody else; prints who it was.

const nft = await openNft();
const follower = new RulesetFollower();
const children = new OwnChildren();
const stop = new AbortController();
const told: string[] = [];
const whoOf = (news: News) => {
  if (news.kind !== "foreign") return news.kind;
  return children.has(news.localPid) ? "child" : `${news.culprit.program} ${news.culprit.commandLine}`;
};

const news = follower.in(null, []);
await news.ready;
const following = (async () => {
  for await (const batch of news.follow(stop.signal)) for (const one of batch) told.push(whoOf(one));
})();
const chain = (name: string) => ({ verb: "add-chain", chain: { name: nameOf(name), base: null } }) as const;
const changes = () => told.filter((who) => who !== "sysctls");

await nft.in(null).apply([{ verb: "add-table" }, chain("library")]);
await until("the library's change", () => changes().length === 1);
await nft.in(null).apply([chain("batch")]);
await until("the batch's change", () => changes().length === 2);
await nftProgram(null, children).apply([chain("child")]);
await until("the child's change", () => changes().length === 3);
execFileSync("nft", ["add chain inet sluice stranger"]);
await until("the stranger's change", () => changes().length === 4);

process.stdout.write(`${process.pid} ${changes().join(", ")}\n`);
stop.abort();
await following;
await follower.close();
await nft.close();
