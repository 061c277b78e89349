import { type Address, type Family, familyOf, parseAddress } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import type { ClusterPlan } from "./plan.ts";
import type { ScenarioCall } from "./scenario.ts";
import type { Call } from "./traffic/messages.ts";

/**
 * The calls of one caller as its agent makes them. Names become addresses here and stay so: a client goes on calling an
 * address whose pod has been replaced.
 */
export function callsFrom(caller: string, calls: readonly ScenarioCall[], plan: ClusterPlan): Call[] {
  return calls.flatMap((call, index) => (call.from === caller ? [planCall(call, index, plan)] : []));
}

function planCall(call: ScenarioCall, index: number, plan: ClusterPlan): Call {
  return {
    name: call.name,
    everyMs: call.everyMs,
    // 0.618... spreads any number of starts evenly, so that a person can read what scrolls by.
    afterMs: call.afterMs ?? Math.round(((index * 0.618034) % 1) * call.everyMs),
    ...(call.count === undefined ? {} : { count: call.count }),
    keepOpen: call.keepOpen,
    probe: {
      protocol: call.protocol,
      address: addressOf(call, plan),
      ...(call.port === undefined ? {} : { port: call.port }),
      timeoutMs: call.timeoutMs,
      payloadBytes: call.bytes,
      ...(call.asks === undefined ? {} : { asks: call.asks }),
      ...(call.replyBytes === undefined ? {} : { replyBytes: call.replyBytes }),
    },
  };
}

/** The address that a call goes to, before any NAT. */
export function addressOf({ name: call, to, family }: ScenarioCall, plan: ClusterPlan): Address {
  const [kind, name] = [to.slice(0, to.indexOf(":")), to.slice(to.indexOf(":") + 1)];
  if (kind === "address") return parseAddress(name);
  const found = addressesOf(kind, name, plan).find((address) => familyOf(address) === family);
  if (found === undefined) throw unresolved(call, to, family);
  return found;
}

function addressesOf(kind: string, name: string, plan: ClusterPlan): readonly Address[] {
  if (kind === "pod") return plan.pods.find(({ id }) => id === name)?.addresses ?? [];
  if (kind === "service") return plan.frontends.filter(({ service }) => service === name).map(({ address }) => address);
  const hosts = kind === "node" ? plan.nodes : plan.externals;
  return hosts.find((host) => host.name === name)?.addresses ?? [];
}

function unresolved(call: string, to: string, family: Family): SluiceError {
  return new SluiceError(
    "MANIFEST_INVALID",
    `Scenario: call "${call}" goes to ${to}, which has no IPv${family} address`,
  );
}
