import fc from "fast-check";
import { parseAddress } from "../../core/address.ts";
import type { ClassId, Endpoint, EndpointId, Placement, Stages } from "../../policy/placement.ts";

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

/** The placement with these hosts as well; nodes keep their own addresses. */
export function withHosts(placement: Placement, hosts: readonly HostDraft[]): Placement {
  const [classOf, classes] = [new Map(placement.classOf), new Map(placement.classes)];
  const endpoints = new Map(placement.endpoints);
  for (const [index, { lists, ...draft }] of hosts.entries()) {
    const id = `host:h${index}` as EndpointId;
    const classId = `host${index}` as ClassId;
    const stages = (name: string): Stages => placement.classes.get(name as ClassId) ?? nothing;
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
