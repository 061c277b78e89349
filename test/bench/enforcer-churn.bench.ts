// Whether the kernel is right after thousands of changes, and all the time. Run by hand, as root:
// node test/bench/enforcer-churn.bench.ts [--changes 10000] [--pods 5000] [--policies 500] [--seed 1]
//
// Method. The node of large-node.ts in a network namespace, with two of its pods in namespaces of their own. Random changes, as fast
// as World takes them: pods of this node and of others come, go and change their labels, policies are edited, go and come back;
// none is about the two pods' own policies. The Enforcer keeps up as well as it can: of changes that come while it works only the
// last state counts. All the time one pod sends to two ports of the other: one that policy allows and one that it denies. Every
// packet is the first of its connection to connection tracking, so rules decide each. Counters of nft in the pods' namespaces
// tell what left and what came. At the end, the table as `nft list` prints it is compared with that of another namespace,
// into which libnftables has loaded what a new World says of the objects as they are then.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { type parseAddress, parseCidr } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { diff } from "../../enforcer/diff.ts";
import { NftLibrary } from "../../enforcer/nft-library.ts";
import { defaultSettings, render } from "../../enforcer/render.ts";
import { World } from "../../policy/world.ts";
import { canonicalTable } from "../support/canonical-table.ts";
import { deleteNamespace, makeNamespace } from "../support/namespace.ts";
import { randomFrom } from "../support/random.ts";
import { until } from "../support/until.ts";
import {
  closedPort,
  localPods,
  type NodeSize,
  nodeName,
  nodeObjects,
  openPort,
  pathPolicies,
  podAddress,
  podCidr,
  podObject,
  policyObject,
} from "./large-node.ts";
import { MeasuredEnforcer } from "./measured-enforcer.ts";
import { arrivals, countArrivals, deletePath, makePath } from "./pod-path.ts";

const listingBytes = 2 ** 28;

let missed = 0;

function report(what: string, value: string, isRight = true): void {
  if (!isRight) missed += 1;
  console.log(`${what.padEnd(46)} ${value.padStart(30)}   ${isRight ? "ok" : "FAIL"}`);
}

/** The objects of a cluster as they are now, some of which change at random. */
class Churn {
  readonly objects = new Map<string, KubeObject>();
  readonly #size: NodeSize;
  readonly #enforcer: MeasuredEnforcer;
  readonly #random: (n: number) => number;
  #edition = 0;

  constructor(size: NodeSize, enforcer: MeasuredEnforcer, seed: number) {
    this.#size = size;
    this.#enforcer = enforcer;
    const random = randomFrom(seed);
    this.#random = (n) => Math.floor(random() * n);
    for (const object of nodeObjects(size)) this.#put(object);
  }

  change(): void {
    const kind = this.#random(10);
    if (kind < 3) this.#changePolicy();
    else if (kind < 6) this.#togglePod(this.#size.pods + this.#random(400));
    else this.#relabel(2 + this.#random(kind < 8 ? localPods - 2 : this.#size.pods - 2));
  }

  /** Half of the policies that are picked come with other ports; of the rest those that are there go. */
  #changePolicy(): void {
    const number = pathPolicies + this.#random(this.#size.policies - pathPolicies);
    const policy = policyObject(number, this.#edition++);
    if (this.#random(2) === 0 && this.objects.has(keyOf(policy))) this.#delete(policy);
    else this.#put(policy);
  }

  /** Every other number is a pod of this node. */
  #togglePod(number: number): void {
    const local = number % 2 === 0;
    const pod = podObject(number, {}, local);
    const comes = !this.objects.has(keyOf(pod));
    if (local) this.#enforcer.bind(number, comes);
    if (comes) this.#put(pod);
    else this.#delete(pod);
  }

  #relabel(number: number): void {
    const role = ["frontend", "backend", "database", "queue", "idle"][this.#random(5)] as string;
    const quarantine = `case-${pathPolicies + this.#random(this.#size.policies - pathPolicies)}`;
    this.#put(podObject(number, this.#random(3) === 0 ? { role, quarantine } : { role }));
  }

  #put(object: KubeObject): void {
    this.objects.set(keyOf(object), object);
    this.#enforcer.put(object);
  }

  #delete(object: KubeObject): void {
    this.objects.delete(keyOf(object));
    this.#enforcer.delete(object);
  }
}

/** The table that these objects make from nothing, by libnftables. */
async function fromScratch(library: NftLibrary, objects: Iterable<KubeObject>): Promise<string> {
  const namespace = makeNamespace("scratch");
  try {
    const world = new World();
    world.apply([...objects].map((object) => ({ type: "upsert", object })));
    const placement = world.placement();
    const own = [...placement.endpoints.values()].filter(({ kind, node }) => kind === "pod" && node === nodeName);
    const interfaces = new Map(own.flatMap(({ addresses }) => addresses.map((address) => [address, linkOf(address)])));
    const view = { node: nodeName, interfaces, podCidrs: [parseCidr(podCidr)], settings: defaultSettings };
    const { ruleset } = render(world.program(), placement, view);
    await library.in(namespacePath(namespace), { batches: false }).apply(diff(undefined, ruleset));
    return listed(namespace);
  } finally {
    deleteNamespace(namespace);
  }
}

const links = new Map(Array.from({ length: 100_000 }, (_, n) => [podAddress(n), `slp${n}`]));
const linkOf = (address: ReturnType<typeof parseAddress>) => links.get(address) ?? "slp";

function listed(namespace: string): string {
  const command = ["netns", "exec", namespace, "nft", "list", "table", "inet", "sluice"];
  return canonicalTable(execFileSync("ip", command, { encoding: "utf8", maxBuffer: listingBytes }));
}

async function churn(enforcer: MeasuredEnforcer, world: Churn, changes: number): Promise<void> {
  const started = process.cpuUsage();
  const before = enforcer.kernelMs.length;
  for (let turn = 0; turn < changes; turn++) {
    world.change();
    enforcer.hand();
    // So that the Enforcer can begin with what there is.
    await systemClock.sleep(0);
  }
  await enforcer.settled();
  const { user, system } = process.cpuUsage(started);
  report(
    `${changes} changes`,
    `${enforcer.kernelMs.length - before} transactions, ${Math.round((user + system) / 1e6)} s CPU`,
  );
  const { failed, repaired } = enforcer.status;
  report("  refused, table repaired", `${failed}, ${repaired}`, failed + repaired === 0);
}

function compare(found: string, wanted: string): void {
  report("the table against one from scratch", `${found.length} bytes`, found === wanted);
  if (found === wanted) return;
  const other = new Set(wanted.split("\n"));
  const strange = found.split("\n").filter((line) => !other.has(line));
  console.log(strange.slice(0, 5).join("\n").slice(0, 2000));
}

async function main(): Promise<void> {
  const text = (value: string) => ({ type: "string", default: value }) as const;
  const options = { changes: text("10000"), pods: text("5000"), policies: text("500"), seed: text("1") };
  const { values } = parseArgs({ options });
  const size = { pods: Number(values.pods), policies: Number(values.policies) };
  const path = makePath();
  const library = await NftLibrary.open();
  const enforcer = new MeasuredEnforcer(library.in(namespacePath(path.node)));
  try {
    countArrivals(path, [openPort, closedPort]);
    const world = new Churn(size, enforcer, Number(values.seed));
    enforcer.hand();
    await enforcer.settled();
    const flags = [podAddress(1), String(openPort), String(closedPort)];
    const program = [process.execPath, `${import.meta.dirname}/udp-stream.ts`, ...flags];
    const stream = spawn("ip", ["netns", "exec", path.client, ...program], { stdio: "inherit" });
    await until("the first packets", () => arrivals(path, openPort).came > 0, 60_000);
    await churn(enforcer, world, Number(values.changes));
    stream.kill("SIGTERM");
    await once(stream, "exit");
    const [open, closed] = [arrivals(path, openPort), arrivals(path, closedPort)];
    report("allowed packets that came", `${open.came} of ${open.sent}`, open.sent > 0 && open.came === open.sent);
    report("denied packets that came", `${closed.came} of ${closed.sent}`, closed.sent > 0 && closed.came === 0);
    compare(listed(path.node), await fromScratch(library, world.objects.values()));
  } finally {
    await enforcer.stop();
    await library.close();
    deletePath(path);
  }
  process.exitCode = missed === 0 ? 0 : 1;
}

await main();
