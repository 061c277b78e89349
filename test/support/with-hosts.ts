import fc from "fast-check";
import { parseAddress } from "../../core/address.ts";
import type { ClassId, Endpoint, EndpointId, Placement, Stage, Stages } from "../../policy/placement.ts";
import type { BlockId } from "../../policy/program.ts";
import { instruction } from "./program.ts";

const nothing: Stages = { egress: [], ingress: [] };
const classNames = ["class1", "class2", "class3"] as const;

interface HostDraft {
  readonly node: string;
  readonly interfaceName: string | null;
  readonly addresses: readonly string[];
  readonly lists: Readonly<Record<"normal" | "forward" | "preDnat" | "untracked" | "failsafe", string>>;
}

const list = fc.constantFrom("none", ...classNames);

/** Host endpoints on the nodes of arbitraryProgram, whose lists are those of its classes. */
export const arbitraryHosts: fc.Arbitrary<readonly HostDraft[]> = fc.array(
  fc.record({
    node: fc.constantFrom("a", "b"),
    interfaceName: fc.constantFrom("*", "eth0", null),
    addresses: fc.subarray(["192.0.2.1", "2001:db8::a", "192.0.2.2"], { maxLength: 2 }),
    lists: fc.record({ normal: list, forward: list, preDnat: list, untracked: list, failsafe: list }),
  }),
  { maxLength: 3 },
);

const own: Readonly<Record<string, readonly string[]>> = {
  a: ["192.0.2.1", "2001:db8::a"],
  b: ["192.0.2.2", "2001:db8::b"],
};

/** Host endpoints whose lists end as those that the compiler makes do, and whose expectedIPs are the node's own. */
export const arbitraryListedHosts: fc.Arbitrary<readonly HostDraft[]> = fc.array(
  fc
    .record({
      node: fc.constantFrom("a", "b"),
      interfaceName: fc.constantFrom("*", "eth0", null),
      normal: fc.constantFrom(...classNames.map((name) => `${name} whole`)),
      forward: list,
      preDnat: list.map(open),
      untracked: list.map(open),
      failsafe: fc.constantFrom("none", ...classNames.map((name) => `${name} allows`)),
    })
    .map(({ node, interfaceName, ...lists }) => ({ node, interfaceName, addresses: own[node] ?? [], lists })),
  { maxLength: 3 },
);

/** The same without the last word. */
function open(name: string): string {
  return name === "none" ? name : `${name} open`;
}

/** Stages by their name in a draft. */
function stagesNamed(name: string, placement: Placement): Stages {
  const [className = "", manner] = name.split(" ");
  const found = placement.classes.get(className as ClassId) ?? nothing;
  if (manner === undefined) return found;
  // As the compiler gives every host a profile.
  const whole = (stages: readonly Stage[], id: number): readonly Stage[] =>
    stages.length > 0 ? stages : [{ blocks: [], otherwise: instruction(id, "allow") }];
  if (manner === "whole") return { egress: whole(found.egress, 950), ingress: whole(found.ingress, 951) };
  const each = (stages: readonly Stage[]) =>
    stages.slice(0, -1).map((stage) => ({ ...stage, otherwise: { ...stage.otherwise, verdict: "next" as const } }));
  if (manner === "open") return { egress: each(found.egress), ingress: each(found.ingress) };
  const allowing = (stages: readonly Stage[]) =>
    each(stages).map(({ otherwise }): Stage => ({ blocks: [{ block: "safe" as BlockId }], otherwise }));
  return { egress: allowing(found.egress).slice(0, 1), ingress: allowing(found.ingress).slice(0, 1) };
}

/** The placement with these hosts as well; nodes keep their own addresses. */
export function withHosts(placement: Placement, hosts: readonly HostDraft[]): Placement {
  const [classOf, classes] = [new Map(placement.classOf), new Map(placement.classes)];
  const endpoints = new Map(placement.endpoints);
  for (const [index, { lists, ...draft }] of hosts.entries()) {
    const id = `host:h${index}` as EndpointId;
    const classId = `host${index}` as ClassId;
    const stages = (name: string): Stages => stagesNamed(name, placement);
    const { normal, ...others } = lists;
    classes.set(classId, {
      id: classId,
      egress: stages(normal).egress,
      ingress: stages(normal).ingress,
      others: {
        forward: stages(others.forward),
        preDnat: stages(others.preDnat),
        untracked: stages(others.untracked),
        failsafe: stages(others.failsafe),
        answers: nothing,
        toOwnNode: nothing,
      },
    });
    classOf.set(id, classId);
    endpoints.set(id, hostOf(id, draft));
  }
  return { ...placement, classOf, classes, endpoints };
}

function hostOf(id: EndpointId, { node, interfaceName, addresses }: Omit<HostDraft, "lists">): Endpoint {
  const bare = { namespace: null, nets: [], labels: {}, ports: [], hostNetwork: false };
  return { ...bare, id, kind: "host", name: id, node, interfaceName, addresses: addresses.map(parseAddress) };
}
