import fc from "fast-check";
import { parseAddress } from "../../core/address.ts";
import type { Match } from "../../policy/program.ts";
import type { Packet } from "../../policy/verdict.ts";
import { inSet, instruction, ProgramBuilder, ports, protocol, type StageSpec, type Verdict } from "./program.ts";

// Random programs over a small fixed cluster, small enough that random packets meet the rules. Two nodes, four pods.
const pods = [
  { name: "a1", node: "a", addresses: ["10.1.0.1", "fd01::1"] },
  { name: "a2", node: "a", addresses: ["10.1.0.2", "fd01::2"] },
  { name: "b1", node: "b", addresses: ["10.2.0.1", "fd02::1"] },
  { name: "b2", node: "b", addresses: ["10.2.0.2"] },
] as const;
export const nodes = [
  { name: "a", addresses: ["192.0.2.1", "2001:db8::a"], podCidrs: ["10.1.0.0/24", "fd01::/64"] },
  { name: "b", addresses: ["192.0.2.2", "2001:db8::b"], podCidrs: ["10.2.0.0/24", "fd02::/64"] },
] as const;
const four = [...pods.map(({ addresses }) => addresses[0]), "192.0.2.1", "192.0.2.2", "8.8.8.8", "255.255.255.255"];
const six = ["fd01::1", "fd01::2", "fd02::1", "2001:db8::a", "2001:db8::b", "2606::8"];
const prefixes = [
  "0.0.0.0/0",
  "::/0",
  "10.1.0.0/24",
  "10.1.0.0/31",
  "10.0.0.0/8",
  "8.8.8.8/32",
  "fd01::/64",
  "fd00::/8",
];
const portTexts = ["53", "80", "80-90", "81-443", "0-65535", "@named1", "@named2"];
const classes = ["class1", "class2", "class3"];

const match: fc.Arbitrary<Match> = fc.oneof(
  fc.record({ field: fc.constant("family" as const), is: fc.constantFrom(4 as const, 6 as const) }),
  fc.tuple(fc.constantFrom(6, 17, 1, 58, 132, 47), fc.boolean()).map(([is, not]) => protocol(is, not)),
  fc
    .tuple(
      fc.constantFrom("source" as const, "destination" as const),
      fc.constantFrom("pods1", "pods2", "none", "nets1", "nets2"),
      fc.boolean(),
    )
    .map(([field, set, not]) => inSet(field, set, not)),
  fc
    .tuple(
      fc.constantFrom("sourcePort" as const, "destinationPort" as const),
      fc.subarray(portTexts, { maxLength: 3 }),
      fc.boolean(),
    )
    .map(([field, texts, not]) => ports(field, texts, not)),
  fc
    .tuple(fc.constantFrom(0, 8, 128), fc.constantFrom(undefined, 0, 1), fc.boolean())
    .map(([type, code, not]) => ({ field: "icmp", type, ...(code === undefined ? {} : { code }), not }) as const),
);

const verdict = fc.constantFrom<Verdict>("allow", "deny", "next", "log");
const draftInstruction = fc.record({ when: fc.array(match, { maxLength: 3 }), verdict });
const draftStage = fc.record({
  blocks: fc.array(fc.constantFrom("block1", "block2", "block3", "block4"), { maxLength: 3 }),
  verdict: fc.constantFrom<Verdict>("allow", "deny", "next"),
});
const draftStages = fc.array(draftStage, { maxLength: 3 });

/** The last stage has no way out, as the profile that compile.ts adds. */
function stages(drafts: readonly { blocks: string[]; verdict: Verdict }[], firstId: number): readonly StageSpec[] {
  if (drafts.length === 0) return [];
  const specs = drafts.map(({ blocks, verdict }, index): StageSpec => [blocks, instruction(firstId + index, verdict)]);
  return [...specs, [[], instruction(firstId + 9, drafts.length === 1 ? "allow" : "deny")]];
}

export const arbitraryProgram: fc.Arbitrary<ProgramBuilder> = fc
  .record({
    pods1: fc.subarray([...four, ...six]),
    pods2: fc.subarray([...four, ...six], { maxLength: 3 }),
    nets1: fc.subarray(prefixes),
    nets2: fc.subarray(prefixes, { maxLength: 2 }),
    named1: fc.subarray(["10.1.0.1 6 80", "10.2.0.1 17 53", "fd01::1 6 80", "fd02::1 132 90"]),
    named2: fc.subarray(["10.1.0.2 6 443", "10.2.0.2 6 80", "fd01::2 6 53"]),
    blocks: fc.array(fc.array(draftInstruction, { maxLength: 4 }), { minLength: 4, maxLength: 4 }),
    classes: fc.array(fc.record({ egress: draftStages, ingress: draftStages }), { minLength: 3, maxLength: 3 }),
    classOf: fc.array(fc.constantFrom(undefined, ...classes), { minLength: pods.length, maxLength: pods.length }),
  })
  .map((draft) => {
    const builder = new ProgramBuilder()
      .addresses("pods1", ...draft.pods1)
      .addresses("pods2", ...draft.pods2)
      .addresses("none")
      .cidrs("nets1", ...draft.nets1)
      .cidrs("nets2", ...draft.nets2)
      .ports("named1", ...draft.named1)
      .ports("named2", ...draft.named2);
    // Failsafe ports: what hosts let through before any list is asked.
    builder.block("safe", instruction(900, "allow", protocol(6), ports("destinationPort", ["443"])));
    for (const [block, instructions] of draft.blocks.entries()) {
      const made = instructions.map(({ when, verdict }, index) => instruction(block * 100 + index, verdict, ...when));
      builder.block(`block${block + 1}`, ...made);
    }
    for (const [index, { egress, ingress }] of draft.classes.entries())
      builder.class(`class${index + 1}`, {
        egress: stages(egress, 1000 + index * 10),
        ingress: stages(ingress, 2000 + index * 10),
      });
    for (const { name, addresses } of nodes) builder.node(name, ...addresses);
    for (const [index, { name, node, addresses }] of pods.entries())
      builder.pod(name, node, addresses, draft.classOf[index]);
    return builder;
  });

const transport = fc.oneof(
  fc.record({
    protocol: fc.constantFrom(6, 17, 132, 136),
    sourcePort: fc.constantFrom(53, 80, 40_000),
    destinationPort: fc.constantFrom(0, 53, 80, 85, 90, 443, 65_535),
    icmp: fc.constant(null),
  }),
  fc
    .record({ type: fc.constantFrom(0, 8, 128, 129), code: fc.constantFrom(0, 1), protocol: fc.constantFrom(1, 58) })
    .map(({ type, code, protocol }) => ({ protocol, sourcePort: 0, destinationPort: 0, icmp: { type, code } })),
  fc.constantFrom(47, 4).map((protocol) => ({ protocol, sourcePort: 0, destinationPort: 0, icmp: null })),
);

export const arbitraryPacket: fc.Arbitrary<Packet> = fc
  .constantFrom(four, six)
  .chain((addresses) =>
    fc.record({ from: fc.constantFrom(...addresses), to: fc.constantFrom(...addresses), transport }),
  )
  .map(({ from, to, transport }) => ({ source: parseAddress(from), destination: parseAddress(to), ...transport }));
