import fc from "fast-check";
import { compile } from "../../../policy/compile.ts";
import { place } from "../../../policy/place.ts";
import type { Packet } from "../../../policy/verdict.ts";
import { arbitraryObjects } from "../arbitrary-objects.ts";
import { arbitraryPacket, arbitraryProgram } from "../arbitrary-program.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../arbitrary-world.ts";
import { type Trial, trialOf } from "../dataplane/trial.ts";
import { arbitraryListedHosts, withHosts } from "../with-hosts.ts";
import { type Contest, outsideAt, trialOfContest } from "./contest.ts";

/** A random world, and random packets that meet it. */
export interface Draw {
  readonly trial: Trial;
  readonly packets: readonly Packet[];
  /** Where it was made from objects. */
  readonly contest: Contest | null;
}

const packetsPerWorld = 200;

/** Without hints: the way of a packet is known here. */
const worldPackets = manyOf(arbitraryWorldPacket.map(({ interfaces: _, translated: __, ...packet }): Packet => packet));
const programs = fc.tuple(arbitraryProgram, arbitraryListedHosts, manyOf(arbitraryPacket));
const models = fc.tuple(arbitraryWorld, worldPackets);
const objects = fc.tuple(arbitraryObjects, worldPackets);

/**
 * Where worlds come from: Kubernetes objects, the models that these are read into, and Programs that no policy would give. The same seed
 * gives the same world, as long as the generators and fast-check are the same.
 */
export const sources = {
  objects(seed: number): Draw {
    const [drawn, packets] = draw(objects, seed);
    const contest = { objects: drawn, beyondSecond: outsideAt(seed) };
    return { trial: trialOfContest(contest), packets, contest };
  },
  models(seed: number): Draw {
    const [world, packets] = draw(models, seed);
    const program = compile(world.tiers, world.policies);
    const placement = place(program, world.endpoints, world.services);
    return { trial: trialOf(program, placement, new Set(outsideAt(seed))), packets, contest: null };
  },
  programs(seed: number): Draw {
    const [builder, hosts, packets] = draw(programs, seed);
    return { trial: trialOf(builder.program(), withHosts(builder.placement(), hosts)), packets, contest: null };
  },
} as const;

export type SourceName = keyof typeof sources;
export const sourceNames = Object.keys(sources) as readonly SourceName[];

function draw<T>(arbitrary: fc.Arbitrary<T>, seed: number): T {
  return fc.sample(arbitrary, { seed, numRuns: 1 })[0] as T;
}

function manyOf(packet: fc.Arbitrary<Packet>): fc.Arbitrary<readonly Packet[]> {
  return fc.array(packet, { minLength: packetsPerWorld, maxLength: packetsPerWorld });
}
