// An enforcer whose policies and pods change as fast as they can, until it is killed:
//
//   changing-enforcer.ts NAMESPACE FOLDER SEED      prints "ready" after the first transaction, then "adopted" or "replaced"
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Log } from "../../core/log.ts";
import { silentLog } from "../../core/log.ts";
import { Enforcer } from "../../enforcer/enforcer.ts";
import { KernelInterfaces } from "../../enforcer/interfaces-kernel.ts";
import { KeptFile } from "../../enforcer/kept-file.ts";
import { openNft } from "../../enforcer/nft-open.ts";
import { defaultSettings } from "../../enforcer/render.ts";
import { World } from "../../policy/world.ts";
import { randomFrom } from "../support/random.ts";
import { world as builder } from "../support/world.ts";

const [namespace = "", folder = "", seed = "1"] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const pick = (count: number) => Math.floor(random() * count);
const never = new AbortController().signal;

/** b lets a in by TCP port 80, and nobody by UDP; whatever else happens. */
const fixed = builder()
  .node("router", "10.99.1.1")
  .namespace("lab")
  .pod("lab/a", { app: "a" }, { node: "router", ips: ["10.99.1.2"] })
  .pod("lab/b", { app: "b" }, { node: "router", ips: ["10.99.2.2"] })
  .tier("always", 10)
  .tier("changing", 100)
  .policy("lab/always.b", {
    tier: "always",
    selector: "app == 'b'",
    types: ["Ingress"],
    ingress: [
      { action: "Deny", protocol: "UDP" },
      { action: "Allow", protocol: "TCP", destination: { ports: [80] } },
      { action: "Pass" },
    ],
  }).objects;

function policy(number: number): KubeObject {
  const ports = Array.from({ length: 1 + pick(4) }, () => 1000 + pick(5000));
  const rule = { action: random() < 0.5 ? "Allow" : "Deny", protocol: "TCP", destination: { ports } };
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { namespace: "lab", name: `changing.p${number}` },
    spec: {
      tier: "changing",
      selector: "has(app)",
      ingress: [{ ...rule, source: { selector: `group == '${pick(5)}'` } }],
    },
  };
}

function pod(number: number): KubeObject {
  const labels = { group: String(pick(5)) };
  return builder().pod(`lab/p${number}`, labels, { node: "elsewhere", ips: [`10.98.${number}.${1 + pick(250)}`] })
    .objects[0] as KubeObject;
}

const log: Log = {
  ...silentLog,
  info: (fields, sentence) => {
    if (sentence === "an earlier run left its rules in force")
      console.log((fields as { known: boolean }).known ? "adopted" : "replaced");
  },
  error: (fields, sentence) => console.error(sentence, JSON.stringify(fields)),
  warn: (fields, sentence) => console.error(sentence, JSON.stringify(fields)),
};
const clock = systemClock;
const nft = await openNft();
const keeper = new KeptFile({ folder, node: "router", clock, log });
const enforcer = new Enforcer({
  ...{
    node: "router",
    nft: nft.in(namespace),
    interfaces: new KernelInterfaces().in(namespace),
    clock,
    log,
    random,
    keeper,
  },
  settings: { ...defaultSettings, podInterfaces: ["to-"] },
});
const world = new World();
world.apply(fixed.map((object) => ({ type: "upsert", object })));
world.apply(Array.from({ length: 8 }, (_, number) => ({ type: "upsert", object: policy(number) })));
const update = () => enforcer.update(world.program(), world.placement(), { podCidrs: [] });
update();
void Promise.all([keeper.run(never), enforcer.run(never)]);
while (enforcer.status.applied === 0) await clock.sleep(5);
console.log("ready");
for (;;) {
  const object = random() < 0.4 ? policy(pick(20)) : pod(pick(40));
  world.apply([{ type: random() < 0.8 ? "upsert" : "delete", object }]);
  update();
  await clock.sleep(1);
}
