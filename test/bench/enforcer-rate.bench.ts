// How fast new connections get through the rules. Run by hand, as root: node test/bench/enforcer-rate.bench.ts
//
// Method. Three nodes (network namespaces) with two pods each (namespaces behind veth pairs). The first has the ruleset of 10
// policies, all about these two pods; the second that of 2,000 policies, among them the same ten; the third the same 2,000 as
// kube-style chains: base chains with one jump per policy that selects by the pod's address, and a chain with the policy's rules. A
// program in the client's namespace sends UDP packets, each from another port: each is a new connection, which the last of the
// policies on its way allows at both ends. It sends on the CPU that also forwards, so the time of sending is the time of
// the whole way. Bursts of a thousand, forty a turn, the nodes in turn, five turns; before each turn the node forgets its
// connections. The rate is that of the fastest quarter of all bursts, as slower ones were interrupted. Counters in the server's
// namespace prove that all came through. The cluster has 5,000 pods, as hash sets cost the same however many there are.

import { execFileSync } from "node:child_process";
import { parseAddress, parseCidr } from "../../core/address.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { diff } from "../../enforcer/diff.ts";
import { NftLibrary } from "../../enforcer/nft-library.ts";
import { defaultSettings, render } from "../../enforcer/render.ts";
import type { Ruleset } from "../../enforcer/ruleset.ts";
import { World } from "../../policy/world.ts";
import { runIn } from "../support/namespace.ts";
import { kubeStyle } from "./kube-style.ts";
import { localPods, nodeName, nodeObjects, openPort, pathPolicies, podAddress, podCidr } from "./large-node.ts";
import { arrivals, countArrivals, deletePath, makePath, type PodPath } from "./pod-path.ts";

const pods = 5_000;
const policies = 2_000;
const [turns, thousands] = [5, 40];
const limit = 0.95;

function rulesetOf(count: number): Ruleset {
  const world = new World();
  world.apply([...nodeObjects({ pods, policies: count })].map((object) => ({ type: "upsert", object })));
  const interfaces = new Map(Array.from({ length: localPods }, (_, n) => [parseAddress(podAddress(n)), `slp${n}`]));
  const view = { node: nodeName, interfaces, podCidrs: [parseCidr(podCidr)], settings: defaultSettings };
  return render(world.program(), world.placement(), view).ruleset;
}

function burst({ client, node }: PodPath): readonly number[] {
  execFileSync("ip", ["netns", "exec", node, "conntrack", "-F"], { stdio: "ignore" });
  const flags = [podAddress(0), podAddress(1), String(openPort), String(thousands)];
  return JSON.parse(runIn(client, process.execPath, `${import.meta.dirname}/udp-flows.ts`, ...flags)) as number[];
}

/** Connections a second in the fastest quarter. */
function rateOf(bursts: readonly number[]): number {
  const quarter = bursts.toSorted((a, b) => a - b).slice(0, Math.ceil(bursts.length / 4));
  return (1e6 * quarter.length) / quarter.reduce((sum, ms) => sum + ms, 0);
}

async function main(): Promise<void> {
  const paths = { few: makePath(), many: makePath(), kube: makePath() };
  const library = await NftLibrary.open();
  try {
    for (const path of Object.values(paths)) countArrivals(path, [openPort]);
    for (const [path, count] of [
      [paths.few, pathPolicies],
      [paths.many, policies],
    ] as const)
      await library.in(namespacePath(path.node)).apply(diff(undefined, rulesetOf(count)));
    execFileSync("ip", ["netns", "exec", paths.kube.node, "nft", "-f", "-"], { input: kubeStyle({ pods, policies }) });
    const bursts: Record<keyof typeof paths, number[]> = { few: [], many: [], kube: [] };
    for (let turn = 0; turn < turns; turn++)
      for (const name of ["few", "many", "kube"] as const) bursts[name].push(...burst(paths[name]));
    for (const [name, path] of Object.entries(paths)) {
      const { sent, came } = arrivals(path, openPort);
      const expected = turns * thousands * 1000;
      if (came !== expected) throw new Error(`${name}: of ${expected} (${sent}) packets ${came} came`);
    }
    report(rateOf(bursts.few), rateOf(bursts.many), rateOf(bursts.kube));
  } finally {
    await library.close();
    for (const path of Object.values(paths)) deletePath(path);
  }
}

function report(few: number, many: number, kube: number): void {
  const line = (what: string, rate: number, more = "") =>
    console.log(
      `${what.padEnd(46)} ${`${Math.round(rate)} a second`.padStart(20)}   ${(rate / few).toFixed(3)}${more}`,
    );
  const isWithin = many >= limit * few;
  line(`new connections with ${pathPolicies} policies`, few);
  line(`with ${policies} policies`, many, `   limit ${limit} ${isWithin ? "ok" : "FAIL"}`);
  line(`with ${policies} policies as kube-style chains`, kube);
  process.exitCode = isWithin ? 0 : 1;
}

await main();
