import type { Flow, FlowEndpoint } from "../core/records/flow.ts";
import { Identities, type Identity, type Namespaces } from "./identity.ts";
import { type Judgement, judgeOf } from "./judge.ts";
import type { Placement } from "./placement.ts";
import type { Program, RuleOrigin } from "./program.ts";
import type { Packet } from "./verdict.ts";

/** Policies, and who is there, under which recorded flows are judged anew. */
export interface ReplaySituation {
  readonly program: Program;
  readonly placement: Placement;
  /** Labels of namespaces that hold no pod just now; those of the others the placement tells. */
  readonly namespaces?: Namespaces;
}

/** What would have become of a recorded flow. */
export interface Replayed {
  readonly flow: Flow;
  /** The record's own. */
  readonly before: Flow["action"];
  readonly after: Judgement["action"];
  readonly change: "same" | "newlyDenied" | "newlyAllowed" | "uncertain";
  /** What would decide; null where nothing does, several may, or it is uncertain. */
  readonly by: RuleOrigin | null;
  /** Of an uncertain one, what is not known; else null. */
  readonly why: string | null;
}

/**
 * Judges flows, batch by batch, by what their ends were when they were recorded: by labels and names, not by who has the addresses now.
 */
export async function* replay(
  situation: ReplaySituation,
  flows: AsyncIterable<readonly Flow[]>,
): AsyncGenerator<readonly Replayed[]> {
  const judge = replayerOf(situation);
  for await (const batch of flows) yield batch.map(judge);
}

/** The same for one flow. */
export function replayerOf({ program, placement, namespaces }: ReplaySituation): (flow: Flow) => Replayed {
  const judge = judgeOf(program, placement);
  const known = new KnownIdentities(new Identities(placement, namespaces));
  return (flow) => {
    const source = known.of(flow.source, flow.sourceAddress);
    const destination = known.of(flow.destination, flow.destinationAddress);
    if (isDeniedWithoutPolicy(flow)) return outcome(flow, { action: "deny", rule: null, why: null }, program);
    if (source === undefined) return outcome(flow, unknown(`who ${flow.sourceAddress} was`), program);
    if (destination === undefined) return outcome(flow, unknown(`who ${flow.destinationAddress} was`), program);
    return outcome(flow, judge({ source, destination, packet: packetOf(flow) }), program);
  };
}

const unknown = (why: string): Judgement => ({ action: "uncertain", rule: null, why });

/** Spoofed, unknown or invalid: no policy took part, and none would have. */
function isDeniedWithoutPolicy(flow: Flow): boolean {
  return flow.state === "denied" && flow.reason !== null && flow.egressRule === null && flow.ingressRule === null;
}

function outcome(flow: Flow, { action, rule, why }: Judgement, { rules }: Program): Replayed {
  const by = rule === null ? null : (rules.get(rule) ?? null);
  const before = flow.action;
  if (before === "unknown" && action !== "uncertain")
    return { flow, before, after: action, change: "uncertain", by, why: "what became of it then" };
  return { flow, before, after: action, change: changeOf(before, action), by, why };
}

function changeOf(before: Flow["action"], after: Judgement["action"]): Replayed["change"] {
  if (after === "uncertain") return "uncertain";
  if (before === after) return "same";
  return after === "deny" ? "newlyDenied" : "newlyAllowed";
}

function packetOf({ icmp, protocol, nat, node, ...flow }: Flow): Packet {
  const ports = icmp === null ? flow : { sourcePort: 0, destinationPort: 0 };
  const { destinationAddress, destinationPort } = nat ?? flow;
  const isTranslated = destinationAddress !== flow.destinationAddress || destinationPort !== flow.destinationPort;
  return {
    source: flow.sourceAddress,
    destination: flow.destinationAddress,
    protocol,
    sourcePort: ports.sourcePort,
    destinationPort: ports.destinationPort,
    icmp: icmp === null ? null : { type: icmp.type, code: icmp.code },
    ...(isTranslated ? { translated: { node, destination: destinationAddress, destinationPort } } : {}),
  };
}

/** So many identities are kept; then it begins anew. Most flows are of few ends. */
const keptIdentities = 20_000;

class KnownIdentities {
  readonly #identities: Identities;
  readonly #known = new Map<string, Identity | undefined>();

  constructor(identities: Identities) {
    this.#identities = identities;
  }

  of(end: FlowEndpoint | null, address: Flow["sourceAddress"]): Identity | undefined {
    if (end === null) return undefined;
    const key = JSON.stringify([address, end.kind, end.namespace, end.name, end.node, end.workload, end.labels]);
    if (this.#known.has(key)) return this.#known.get(key);
    if (this.#known.size >= keptIdentities) this.#known.clear();
    const identity = this.#identities.of(end, address);
    this.#known.set(key, identity);
    return identity;
  }
}
