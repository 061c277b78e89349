import fc from "fast-check";
import type { Packet } from "../../../policy/verdict.ts";
import { arbitraryObjects } from "../arbitrary-objects.ts";
import { arbitraryPacket, arbitraryProgram } from "../arbitrary-program.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../arbitrary-world.ts";
import { compiledWorld } from "../compiled-world.ts";
import { throughService } from "../dataplane/service-addresses.ts";
import { type Trial, trialOf } from "../dataplane/trial.ts";
import { arbitraryListedHosts, withHosts } from "../with-hosts.ts";
import { type Contest, circumstancesAt, trialOfContest } from "./contest.ts";

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
    const contest = { objects: drawn, ...circumstancesAt(seed) };
    const trial = trialOfContest(contest);
    return { trial, packets: someThroughServices(trial, packets), contest };
  },
  models(seed: number): Draw {
    const [world, packets] = draw(models, seed);
    const { beyondSecond, deny, podToHost } = circumstancesAt(seed);
    const { program, placement } = compiledWorld({ ...world, podToHost });
    const trial = trialOf(program, placement, { beyondSecond: new Set(beyondSecond), deny });
    return { trial, packets: someThroughServices(trial, packets), contest: null };
  },
  programs(seed: number): Draw {
    const [builder, hosts, packets] = draw(programs, seed);
    const { deny } = circumstancesAt(seed);
    const trial = trialOf(builder.program(), withHosts(builder.placement(), hosts), { deny });
    return { trial, packets: someThroughServices(trial, packets), contest: null };
  },
} as const;

export type SourceName = keyof typeof sources;
export const sourceNames = Object.keys(sources) as readonly SourceName[];

/** Every third of them. */
function someThroughServices({ layout }: Trial, packets: readonly Packet[]): readonly Packet[] {
  return packets.map((packet, at) => (at % 3 === 0 ? throughService(layout, packet) : packet));
}

function draw<T>(arbitrary: fc.Arbitrary<T>, seed: number): T {
  return fc.sample(arbitrary, { seed, numRuns: 1 })[0] as T;
}

function manyOf(packet: fc.Arbitrary<Packet>): fc.Arbitrary<readonly Packet[]> {
  return fc.array(packet, { minLength: packetsPerWorld, maxLength: packetsPerWorld });
}
