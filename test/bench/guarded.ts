// What the guard of paths has to look at, in the cluster of large-node.ts: three control-plane nodes, all nodes with addresses, cluster
// DNS, and two paths of one's own.

import { PolicyRollout } from "../../bin/policy-rollout.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import type { World } from "../../policy/world.ts";
import { nodeName } from "./large-node.ts";

const nodes = 501;
const controlPlane = { "node-role.kubernetes.io/control-plane": "" };

export function* guardedObjects(): Generator<KubeObject> {
  for (let number = 0; number < nodes; number++)
    yield {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: `node-${number}`, labels: number >= 1 && number <= 3 ? controlPlane : {} },
      spec: { podCIDRs: [] },
      status: { addresses: [{ type: "InternalIP", address: `192.168.${number >> 8}.${number & 255}` }] },
    };
  yield { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-system" } };
  for (const number of [1, 2])
    yield {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "kube-system", name: `coredns-${number}`, labels: { "k8s-app": "kube-dns" } },
      spec: { nodeName: `node-${number}`, containers: [{ name: "main" }] },
      status: { phase: "Running", podIP: `172.31.0.${number}`, podIPs: [{ ip: `172.31.0.${number}` }] },
    };
}

const guardedPaths = "ns-0/* -> ns-1/* : tcp/8080,role == 'frontend' -> role == 'backend' : tcp/8080";

/** The guard as a process has it, and whether it holds something back. */
export function guardOf(world: World): { readonly rollout: PolicyRollout; readonly held: () => boolean } {
  const rollout = new PolicyRollout({
    world,
    nodes: [nodeName],
    config: parseConfig({ flags: { "enforcer.guarded-paths": guardedPaths } }),
    clock: systemClock,
    log: silentLog,
    isKept: false,
    notice: () => {},
    onChange: () => {},
    statuses: () => new Map(),
  });
  return { rollout, held: () => rollout.rollout.held !== null };
}
