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
  const judge = remembering(judgeOf(program, placement), looksAtSourcePorts(program));
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

/** So many judgements are kept; then it begins anew. */
const keptJudgements = 200_000;

/** Most connections are between ends that have met before, at the same port; clients' ports differ each time and seldom matter. */
function remembering(judge: Judge, bySourcePort: boolean): Judge {
  const numbers = new WeakMap<Identity, number>();
  let ends = 0;
  const numberOf = (end: Identity) => {
    const number = numbers.get(end) ?? ends++;
    numbers.set(end, number);
    return number;
  };
  const known = new Map<string, Judgement>();
  return (meeting) => {
    const { source, destination, packet } = meeting;
    const { protocol, sourcePort, destinationPort, icmp, translated } = packet;
    const what = icmp === null ? destinationPort : `${icmp.type}.${icmp.code}`;
    const more = `${bySourcePort ? sourcePort : ""} ${translated === undefined ? "" : "t"}`;
    const key = `${numberOf(source)} ${numberOf(destination)} ${protocol} ${what} ${more}`;
    const found = known.get(key) ?? judge(meeting);
    if (known.size >= keptJudgements) known.clear();
    known.set(key, found);
    return found;
  };
}

type Judge = ReturnType<typeof judgeOf>;

/** What answers failsafe ports do not is no matter of replay: it judges beginnings of connections. */
function looksAtSourcePorts({ applies, blocks }: Program): boolean {
  const asked = new Set(applies.flatMap(({ list, block }) => (list === "answers" ? [] : [block])));
  return [...asked].some((block) =>
    blocks.get(block)?.some(({ when }) => when.some(({ field }) => field === "sourcePort")),
  );
}

const unknown = (why: string): Judgement => ({ action: "uncertain", rule: null, why });

/** Spoofed, unknown or invalid: no policy took part, and none would have. What was revoked, a policy denied. */
function isDeniedWithoutPolicy({ state, reason, egressRule, ingressRule }: Flow): boolean {
  const hasReason = reason !== null && reason !== "revoked";
  return state === "denied" && hasReason && egressRule === null && ingressRule === null;
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

function packetOf(flow: Flow): Packet {
  const { sourceAddress, destinationAddress, protocol, icmp } = flow;
  const packet = {
    source: sourceAddress,
    destination: destinationAddress,
    protocol,
    sourcePort: icmp === null ? flow.sourcePort : 0,
    destinationPort: icmp === null ? flow.destinationPort : 0,
    icmp: icmp === null ? null : { type: icmp.type, code: icmp.code },
  };
  const translated = translationOf(flow);
  return translated === undefined ? packet : { ...packet, translated };
}

function translationOf({ nat, node, destinationAddress, destinationPort }: Flow): Packet["translated"] {
  if (nat === null) return undefined;
  if (nat.destinationAddress === destinationAddress && nat.destinationPort === destinationPort) return undefined;
  return { node, destination: nat.destinationAddress, destinationPort: nat.destinationPort };
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
