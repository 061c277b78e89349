import { readFileSync } from "node:fs";
import { z } from "zod";
import { parseAddress } from "../../../core/address.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import type { Packet } from "../../../policy/verdict.ts";
import type { Trial } from "../dataplane/trial.ts";
import { type Contest, trialOfContest } from "./contest.ts";
import { type SourceName, sourceNames, sources } from "./source.ts";

/** A packet about which the three disagree, in a world: in full where it was made from objects, else by its seed. */
export interface SavedCase {
  readonly world: Contest | { readonly source: SourceName; readonly seed: number };
  readonly packet: Packet;
}

const address = z.string().transform(parseAddress);
const contest = z.strictObject({
  objects: z.array(
    z
      .looseObject({ apiVersion: z.string(), kind: z.string(), metadata: z.looseObject({ name: z.string() }) })
      .transform((object) => object as KubeObject),
  ),
  beyondSecond: z.array(address),
  deny: z.enum(["drop", "reject"]),
  podToHost: z.enum(["policy", "allow", "deny"]).default("policy"),
});
const seeded = z.strictObject({ source: z.enum(sourceNames), seed: z.int() });
const savedCase = z.strictObject({
  world: z.union([contest, seeded]),
  packet: z.strictObject({
    source: address,
    destination: address,
    protocol: z.int(),
    sourcePort: z.int(),
    destinationPort: z.int(),
    icmp: z.strictObject({ type: z.int(), code: z.int() }).nullable(),
    translated: z.strictObject({ node: z.string(), destination: address, destinationPort: z.int() }).optional(),
  }),
});

export function trialOfCase({ world }: SavedCase): Trial {
  return "seed" in world ? sources[world.source](world.seed).trial : trialOfContest(world);
}

/** JSON that `readCase` reads. */
export function caseText({ world, packet }: SavedCase): string {
  return `${JSON.stringify({ world, packet }, null, 2)}\n`;
}

/** Throws on a file that is no case. */
export function readCase(path: string): SavedCase {
  const read = savedCase.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!read.success) throw new Error(`${path} is no case: ${z.prettifyError(read.error)}`);
  const { translated, ...packet } = read.data.packet;
  return { ...read.data, packet: translated === undefined ? packet : { ...packet, translated } };
}
