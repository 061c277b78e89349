import { evaluatorOf } from "../../../policy/evaluate.ts";
import type { ClassId, Endpoint, EndpointId, Placement } from "../../../policy/placement.ts";
import type { Program } from "../../../policy/program.ts";
import type { Evaluate, Packet, Verdict } from "../../../policy/verdict.ts";
import { type Answer, answerOfVerdict, logsOn } from "./answer.ts";
import type { Layout } from "./layout.ts";
import { interfacesOf } from "./way.ts";

/** What the evaluator expects of the kernel. */
export interface Expectation {
  readonly answer: Answer;
  /**
   * Why the kernel may rightly say otherwise. `answers`: it looks like an answer to what failsafe ports of a host endpoint let through; the raw
   * hooks cannot tell answers from beginnings, so they do not ask untracked lists about it. `late`: it reaches a failsafe port by a
   * service; that is known only after translation, so a preDNAT list is asked before.
   */
  readonly mayDiffer: "answers" | "late" | null;
  /**
   * Not the same without connection tracking: a preDNAT list allows it, which is noted at the connection, so that later lists do not
   * decide again; or it goes to a pod by a host endpoint with an untracked list, which is asked of untracked packets alone.
   */
  readonly needsTracking: boolean;
}

/** The evaluator, told by which interfaces packets go. */
export class Expectations {
  readonly #endpoints: Placement["endpoints"];
  readonly #layout: Layout;
  /** Endpoints with an untracked list. */
  readonly #untracking: ReadonlySet<EndpointId>;
  readonly #evaluate: Evaluate;
  /** Pods have no policy here. */
  readonly #ofHosts: Evaluate;

  constructor(program: Program, placement: Placement, layout: Layout) {
    this.#endpoints = placement.endpoints;
    this.#layout = layout;
    this.#evaluate = evaluatorOf(program, placement);
    this.#untracking = new Set([...placement.endpoints.keys()].filter((id) => hasUntracked(placement, id)));
    const ofHosts = [...placement.classOf].filter(([id]) => placement.endpoints.get(id)?.kind !== "pod");
    this.#ofHosts = evaluatorOf(program, { ...placement, classOf: new Map(ofHosts) });
  }

  of(packet: Packet): Expectation {
    const told = { ...packet, interfaces: interfacesOf(this.#layout, packet) };
    const verdict = this.#evaluate(told);
    return {
      answer: this.#inOrder(told, verdict),
      mayDiffer: this.#answersFailsafe(told, verdict) ? "answers" : this.#isLate(told) ? "late" : null,
      needsTracking: this.#needsTracking(told, verdict),
    };
  }

  /**
   * The kernel asks preDNAT lists before it knows where a packet goes, so before the egress policy of the pod that sent it; the evaluator
   * asks them after. The action is the same, but who denied is the first to do so, and nobody logs after that.
   */
  #inOrder(packet: Packet, verdict: Verdict): Answer {
    const answer = answerOfVerdict(verdict);
    const home = this.#layout.homes.get(packet.source);
    if (home?.at !== "pod") return answer;
    const node = this.#layout.nodes[home.node]?.name;
    const first = this.#ofHosts(packet).hosts.find(
      ({ list, endpoint }) => list === "preDnat" && this.#endpoints.get(endpoint)?.node === node,
    );
    if (first === undefined) return answer;
    const logs = logsOn(first);
    if (first.action === "deny" && first.rule !== null)
      return { action: "deny", direction: first.direction, because: first.rule, logged: logs.sort() };
    return verdict.egress?.action === "deny" ? { ...answer, logged: [...logs, ...answer.logged].sort() } : answer;
  }

  #needsTracking({ destination, interfaces }: Packet, { hosts }: Verdict): boolean {
    if (hosts.some(({ list, action }) => list === "preDnat" && action === "allow")) return true;
    const isUntracking = ({ node, id }: Endpoint) => interfaces?.has(node ?? "") && this.#untracking.has(id);
    return this.#layout.homes.get(destination)?.at === "pod" && [...this.#endpoints.values()].some(isUntracking);
  }

  /** Also where the evaluator did not get so far, since a pod's egress policy denies: the kernel asks preDNAT lists before. */
  #isLate(packet: Packet): boolean {
    const { translated } = packet;
    return this.#ofHosts(packet).hosts.some(
      ({ list, direction, action, endpoint }) =>
        list === "failsafe" &&
        direction === "ingress" &&
        action === "allow" &&
        this.#endpoints.get(endpoint)?.node === translated?.node,
    );
  }

  #answersFailsafe(packet: Packet, verdict: Verdict): boolean {
    const untracked = verdict.hosts.filter(({ list }) => list === "untracked");
    if (untracked.length === 0) return false;
    const back = this.#evaluate(this.#reversed(packet)).hosts.filter(({ list }) => list === "failsafe");
    return back.some(
      ({ endpoint, action }) => action === "allow" && untracked.some((path) => path.endpoint === endpoint),
    );
  }

  #reversed({ source, destination, sourcePort, destinationPort, protocol, icmp }: Packet): Packet {
    const ends = { source: destination, destination: source };
    const ports = { sourcePort: destinationPort, destinationPort: sourcePort };
    return { protocol, icmp, ...ends, ...ports, interfaces: interfacesOf(this.#layout, ends) };
  }
}

function hasUntracked({ classOf, classes }: Placement, id: EndpointId): boolean {
  const untracked = classes.get(classOf.get(id) as ClassId)?.others.untracked;
  return untracked !== undefined && untracked.ingress.length + untracked.egress.length > 0;
}
