import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { render } from "../../enforcer/render.ts";
import type { RenderSettings } from "../../enforcer/renderer.ts";
import type { Ruleset } from "../../enforcer/ruleset.ts";
import { prefixText } from "../../enforcer/text.ts";
import { interfaceOf } from "../support/journey.ts";
import { instruction, program, rule } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";
import { type Sighting, simulate } from "../support/simulate.ts";

// Node a: `closed` may neither send nor receive, `open` is not subject to policy, `lost` is known to the kernel only.
const [closed, open, lost, far] = ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1"];
const [closed6, open6] = ["fd01::1", "fd01::2"];
const node = "192.0.2.1";

function rulesetWith(settings: Partial<RenderSettings> = {}): Ruleset {
  const builder = program()
    .class("closed", { egress: [[[], instruction(1, "deny")]], ingress: [[[], instruction(2, "deny")]] })
    .node("a", node)
    .pod("closed", "a", [closed, closed6], "closed")
    .pod("open", "a", [open, open6])
    .pod("far", "b", [far], "closed");
  const placement = builder.placement();
  const view = viewOf(placement, "a", ["10.1.0.0/24", "fd01::/64"], settings);
  const interfaces = new Map([...view.interfaces, [parseAddress(lost), interfaceOf(parseAddress(lost))]]);
  return render(builder.program(), placement, { ...view, interfaces }).ruleset;
}

interface Case {
  readonly title: string;
  readonly hook: Sighting["hook"];
  readonly from: string;
  readonly to: string;
  readonly sighting?: Partial<Sighting>;
  /** Protocol 58 with this type. */
  readonly icmp6?: number;
  readonly settings?: Partial<RenderSettings>;
  /** Prefix of the log packet, or accept. */
  readonly outcome: string;
}

const behind = (address: string) => interfaceOf(parseAddress(address));
const [deniedE, deniedI] = [`D|E|${rule(1)}`, `D|I|${rule(2)}`];

const cases: readonly Case[] = [
  { title: "a pod's own address goes to its policy", hook: "forward", from: closed, to: far, outcome: deniedE },
  { title: "a pod without policy sends", hook: "forward", from: open, to: far, outcome: "accept" },
  { title: "a pod without policy receives", hook: "forward", from: far, to: open, outcome: "accept" },
  {
    title: "both ends on one node: ingress is asked after egress accepted",
    hook: "forward",
    from: open,
    to: closed,
    outcome: deniedI,
  },
  {
    title: "another pod's address is spoofed",
    hook: "forward",
    from: open,
    to: far,
    sighting: { from: behind(closed) },
    outcome: "D|E|spoofed",
  },
  {
    title: "an address of nowhere from a pod is spoofed",
    hook: "forward",
    from: "8.8.8.8",
    to: far,
    sighting: { from: behind(open) },
    outcome: "D|E|spoofed",
  },
  {
    title: "spoofing is no way into an established connection",
    hook: "forward",
    from: open,
    to: far,
    sighting: { from: behind(closed), state: "established" },
    outcome: "D|E|spoofed",
  },
  {
    title: "a pod does not pretend to be its node",
    hook: "input",
    from: node,
    to: node,
    sighting: { from: behind(open) },
    outcome: "D|E|spoofed",
  },
  {
    title: "without anti-spoofing, an address of nowhere from a pod is an unknown endpoint",
    hook: "forward",
    from: "8.8.8.8",
    to: far,
    sighting: { from: behind(open) },
    settings: { antiSpoofing: false },
    outcome: "D|E|unknown-endpoint",
  },
  {
    title: "a pod that only the kernel knows sends nothing",
    hook: "forward",
    from: lost,
    to: far,
    outcome: "D|E|unknown-endpoint",
  },
  {
    title: "a pod that only the kernel knows gets nothing",
    hook: "forward",
    from: far,
    to: lost,
    outcome: "D|I|unknown-endpoint",
  },
  {
    title: "an address of the node's pod CIDR that nobody has gets nothing",
    hook: "forward",
    from: far,
    to: "10.1.0.77",
    sighting: { to: "eth0" },
    outcome: "D|I|unknown-endpoint",
  },
  {
    title: "an address of the node's pod CIDR that nobody has sends nothing",
    hook: "forward",
    from: "10.1.0.77",
    to: far,
    sighting: { from: "eth0" },
    outcome: "D|E|unknown-endpoint",
  },
  {
    title: "unknown endpoints pass by setting",
    hook: "forward",
    from: lost,
    to: far,
    settings: { unknownEndpoints: "allow" },
    outcome: "accept",
  },
  {
    title: "transit of other nodes' pods is none of our business",
    hook: "forward",
    from: far,
    to: "10.3.0.1",
    sighting: { from: "eth0", to: "eth1" },
    outcome: "accept",
  },
  {
    title: "an invalid packet of transit is none of our business",
    hook: "forward",
    from: far,
    to: "10.3.0.1",
    sighting: { from: "eth0", to: "eth1", state: "invalid" },
    outcome: "accept",
  },
  {
    title: "an invalid packet of a pod under policy has its own reason",
    hook: "forward",
    from: closed,
    to: far,
    sighting: { state: "invalid" },
    outcome: "D|E|invalid",
  },
  {
    title: "an established connection goes on",
    hook: "forward",
    from: closed,
    to: far,
    sighting: { state: "established" },
    outcome: "accept",
  },
  { title: "a pod to itself", hook: "forward", from: closed, to: closed, outcome: "accept" },
  { title: "a pod to itself by its second family", hook: "forward", from: closed6, to: closed6, outcome: "accept" },
  {
    title: "a pod to its own node is subject to egress policy",
    hook: "input",
    from: closed,
    to: node,
    outcome: deniedE,
  },
  { title: "a pod without policy to its own node", hook: "input", from: open, to: node, outcome: "accept" },
  {
    title: "somebody else to the node",
    hook: "input",
    from: "8.8.8.8",
    to: node,
    sighting: { from: "eth0" },
    outcome: "accept",
  },
  {
    title: "the node to itself by an address of its pod CIDR",
    hook: "input",
    from: "10.1.0.254",
    to: "10.1.0.254",
    sighting: { from: "lo" },
    outcome: "accept",
  },
  {
    title: "the node to its own pod",
    hook: "output",
    from: node,
    to: closed,
    sighting: { localSource: true },
    outcome: "accept",
  },
  {
    title: "the node with a foreign address to its own pod",
    hook: "output",
    from: "8.8.8.8",
    to: closed,
    outcome: deniedI,
  },
  {
    title: "the node to the world",
    hook: "output",
    from: node,
    to: "8.8.8.8",
    sighting: { to: "eth0", localSource: true },
    outcome: "accept",
  },
  {
    title: "neighbour discovery, whatever the address",
    hook: "input",
    from: "fe80::1",
    to: "ff02::1:ff00:1",
    sighting: { from: behind(closed6), hopLimit: 255 },
    icmp6: 135,
    outcome: "accept",
  },
  {
    title: "multicast listener reports, whatever the address",
    hook: "input",
    from: "fe80::1",
    to: "ff02::16",
    sighting: { from: behind(closed6), hopLimit: 1 },
    icmp6: 143,
    outcome: "accept",
  },
  {
    title: "a pod is no router",
    hook: "input",
    from: "fe80::1",
    to: "ff02::1",
    sighting: { from: behind(closed6), hopLimit: 255 },
    icmp6: 134,
    outcome: "D|E|spoofed",
  },
  {
    title: "a router advertisement of the network reaches the node",
    hook: "input",
    from: "fe80::1",
    to: "ff02::1",
    sighting: { from: "eth0", hopLimit: 255 },
    icmp6: 134,
    outcome: "accept",
  },
  {
    title: "a listener report to a pod, sent with hop limit 2, is subject to policy",
    hook: "forward",
    from: open6,
    to: closed6,
    sighting: { hopLimit: 1 },
    icmp6: 143,
    outcome: deniedI,
  },
  {
    title: "a pod's own address from outside is no way to it",
    hook: "forward",
    from: closed6,
    to: closed6,
    sighting: { from: "eth0" },
    outcome: "D|E|spoofed",
  },
  {
    title: "another pod's address from outside is spoofed",
    hook: "forward",
    from: open,
    to: closed,
    sighting: { from: "eth0" },
    outcome: "D|E|spoofed",
  },
  {
    title: "what looks like neighbour discovery but was routed is subject to policy",
    hook: "forward",
    from: closed6,
    to: "2001:db8::1",
    sighting: { hopLimit: 254 },
    icmp6: 136,
    outcome: deniedE,
  },
  {
    title: "an echo request with hop limit 255 is no neighbour discovery",
    hook: "forward",
    from: closed6,
    to: "2001:db8::1",
    sighting: { hopLimit: 255 },
    icmp6: 128,
    outcome: deniedE,
  },
];

describe("the base chains", () => {
  for (const { title, hook, from, to, sighting = {}, icmp6, settings, outcome } of cases)
    it(title, () => {
      const [source, destination] = [parseAddress(from), parseAddress(to)];
      const icmp = icmp6 === undefined ? null : { type: icmp6, code: 0 };
      const protocol = icmp6 === undefined ? 6 : 58;
      const { action, logs } = simulate(rulesetWith(settings), {
        packet: { source, destination, protocol, sourcePort: 40_000, destinationPort: 80, icmp },
        hook,
        from: from === far ? "eth0" : hook === "output" ? "" : interfaceOf(source),
        to: to === far ? "eth0" : hook === "input" ? "" : interfaceOf(destination),
        state: "new",
        hopLimit: 64,
        localSource: false,
        ...sighting,
      });
      assert.deepEqual([action, ...logs.map(prefixText)], outcome === "accept" ? ["accept"] : ["drop", outcome]);
    });
});
