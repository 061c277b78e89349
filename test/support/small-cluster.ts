import fc from "fast-check";
import { type Address, familyOf } from "../../core/address.ts";
import type { Situation } from "../../policy/space/situation.ts";
import type { Packet } from "../../policy/verdict.ts";
import { world } from "./world.ts";

type Labels = Readonly<Record<string, string>>;

const addresses = [
  ...["10.244.1.1", "10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.1.5", "172.18.0.1", "192.0.2.7", "198.51.100.1"],
  ...["fd00:10:244:1::1", "fd00:10:244:1::2", "fd00:10:244:1::4", "2001:db8::7"],
] as Address[];

/** All pairs of the addresses of a small cluster and some others, with some connections of every kind. */
export const smallUniverse: readonly Packet[] = addresses.flatMap((source) =>
  addresses
    .filter((destination) => familyOf(destination) === familyOf(source))
    .flatMap((destination) =>
      [
        ...[53, 80, 81, 443].flatMap((port) =>
          [6, 17].map((protocol) => ({ protocol, sourcePort: 40_000, destinationPort: port, icmp: null })),
        ),
        ...[0, 8].map((type) => ({ protocol: 1, sourcePort: 0, destinationPort: 0, icmp: { type, code: 0 } })),
        { protocol: 47, sourcePort: 0, destinationPort: 0, icmp: null },
      ].map((rest): Packet => ({ source, destination, ...rest })),
    ),
);

const selector = fc.constantFrom(
  "app == 'web'",
  "app == 'api'",
  "all()",
  "!has(app)",
  "env == 'prod'",
  "app in {'web', 'db'}",
);
const peerOf = (family: "four" | "six") => {
  const four = [["10.244.1.0/30"], ["192.0.2.0/24", "198.51.100.1/32"], ["0.0.0.0/0"]];
  const six = [["fd00::/8"], ["fd00:10:244:1::4/126", "2001:db8::7/128"], ["::/0"]];
  const nets = fc.constantFrom(...(family === "four" ? four : six));
  return fc.oneof(
    fc.record({ selector }),
    fc.record({ namespaceSelector: fc.constantFrom("all()", "team == 'a'", "global()") }),
    fc.record({ nets }),
    fc.record({ notNets: nets }),
    fc.constant({}),
  );
};
const rule = fc
  .constantFrom("four" as const, "six" as const)
  .chain((family) =>
    fc.record({
      action: fc.constantFrom("Allow", "Deny", "Pass"),
      protocol: fc.constantFrom("TCP", "UDP", undefined),
      source: peerOf(family),
      destination: peerOf(family),
      ports: fc.constantFrom(undefined, [80], ["80:443"], ["http"]),
    }),
  )
  .map(({ ports, protocol, destination, ...rest }) => ({
    ...rest,
    ...(protocol === undefined ? {} : { protocol }),
    destination: protocol === undefined || ports === undefined ? destination : { ...destination, ports },
  }));

/** A policy for it. */
export const arbitraryDraft = fc.record({
  tier: fc.constantFrom("first", "default"),
  selector,
  types: fc.constantFrom<readonly string[]>(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
  ingress: fc.array(rule, { maxLength: 2 }),
  egress: fc.array(rule, { maxLength: 2 }),
});

type PolicyDraft = typeof arbitraryDraft extends fc.Arbitrary<infer Draft> ? Draft : never;

/** With these policies, in their order, some places may be empty; the labels are those of one pod. */
export function situationOfDrafts(policies: readonly (PolicyDraft | null)[], labels: Labels = {}): Situation {
  const http = [{ name: "http", containerPort: 81, protocol: "TCP" }];
  const builder = world()
    .namespace("a", { team: "a" })
    .namespace("b", { team: "b" })
    .node("node-a", "172.18.0.1")
    .tier("first", 1, "Pass")
    .pod("a/web", { app: "web", env: "prod" }, { ports: http })
    .pod("a/api", { app: "api" }, { node: "node-b" })
    .pod("b/web", { app: "web" }, { ips: ["10.244.1.3"] })
    .pod("b/db", labels, { node: "node-b", ports: http })
    .pod("b/host", { app: "web" }, { ips: ["172.18.0.1"], hostNetwork: true });
  for (const [index, draft] of policies.entries()) {
    if (draft === null) continue;
    const { tier, types, ...rest } = draft;
    const rules = {
      ...(types.includes("Ingress") ? { ingress: rest.ingress } : {}),
      ...(types.includes("Egress") ? { egress: rest.egress } : {}),
    };
    builder.global(`${tier}.p${index}`, { tier, order: index, selector: rest.selector, types, ...rules });
  }
  const made = builder.world();
  return { program: made.program(), placement: made.placement() };
}
