import assert from "node:assert/strict";
import type { FlowEndpoint, RawFlow } from "../../core/records/flow.ts";
import { isAuthoritative, reporterOf } from "../../enrichers/authoritative.ts";
import { network, nodeEndpoint, pod, rawDenial, rawFlow, unknown } from "../support/flows.ts";

// Everything is reported by node-1.
const here = pod("shop/here", {}, "node-1");
const alsoHere = pod("shop/also-here", {}, "node-1");
const there = pod("shop/there", {}, "node-2");
const host = nodeEndpoint("node-1");
const otherHost = nodeEndpoint("node-2");
// The same by their host endpoints, if they have any.
const guarded = { ...host, kind: "host", name: "eth0-1" } as const;
const otherGuarded = { ...otherHost, kind: "host", name: "eth0-2" } as const;
const allowed = rawFlow();
const deniedEgress = rawDenial("egress");
const deniedIngress = rawDenial("ingress");
const deniedOtherwise = rawFlow({ state: "denied", reason: "invalid" });

type Row = readonly [
  title: string,
  flow: RawFlow,
  source: FlowEndpoint,
  destination: FlowEndpoint,
  reporter: "src" | "dst" | "fwd",
  authoritative: boolean,
];

const rows: readonly Row[] = [
  ["to a pod here from another node", allowed, there, here, "dst", true],
  ["to a pod here from the internet", allowed, network, here, "dst", true],
  ["within this node", allowed, here, alsoHere, "dst", true],
  ["to this node itself from a pod here", allowed, here, host, "dst", true],
  ["to this node itself from a pod of another node, which has the policies", allowed, there, host, "dst", false],
  ["to this node itself from another node", allowed, otherHost, host, "dst", true],
  ["from this node to a pod here", allowed, host, here, "dst", true],
  ["to a pod of another node", allowed, here, there, "src", false],
  ["to another node, which has no policies", allowed, here, otherHost, "src", true],
  ["from this node to another", allowed, host, otherHost, "src", false],
  ["to this node's host endpoint from a pod of another node", allowed, there, guarded, "dst", true],
  ["to another node's host endpoint", allowed, here, otherGuarded, "src", false],
  ["from this node's host endpoint to the internet", allowed, guarded, network, "src", true],
  ["denied by this node's host endpoint", deniedIngress, there, guarded, "dst", true],
  ["to the internet", allowed, here, network, "src", true],
  ["to a cluster address that nobody has", allowed, here, unknown, "src", true],
  ["between two other nodes", allowed, there, otherHost, "fwd", false],
  ["from another node's pod to the internet", allowed, there, network, "fwd", false],
  ["denied at egress towards another node", deniedEgress, here, there, "src", true],
  ["denied at egress within this node", deniedEgress, here, alsoHere, "src", true],
  ["denied at ingress within this node", deniedIngress, here, alsoHere, "dst", true],
  ["denied at ingress from another node", deniedIngress, there, here, "dst", true],
  ["a spoofed source is denied at egress", deniedEgress, unknown, there, "src", true],
  ["a source spoofed from another node's pod", deniedEgress, there, otherHost, "src", true],
  ["denied at ingress of an unknown endpoint", deniedIngress, there, unknown, "dst", true],
  ["denied as invalid where the destination is", deniedOtherwise, there, here, "dst", true],
  ["denied as invalid where the source is", deniedOtherwise, here, there, "src", true],
  ["denied as invalid in between", deniedOtherwise, there, otherHost, "fwd", false],
];

describe("enrichers/authoritative", () => {
  for (const [title, flow, source, destination, reporter, authoritative] of rows) {
    it(`${title}: ${reporter}${authoritative ? ", counts" : ""}`, () => {
      const found = reporterOf(flow, source, destination);
      assert.deepEqual([found, isAuthoritative(flow, found, { source, destination })], [reporter, authoritative]);
    });
  }
});
