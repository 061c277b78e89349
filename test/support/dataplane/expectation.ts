import { evaluatorOf } from "../../../policy/evaluate.ts";
import type { ClassId, Endpoint, EndpointId, Placement } from "../../../policy/placement.ts";
import type { Program } from "../../../policy/program.ts";
import type { Evaluate, Packet, Verdict } from "../../../policy/verdict.ts";
import { withInterfaces } from "../known-interfaces.ts";
import { type Answer, answerOfVerdict } from "./answer.ts";
import type { Layout } from "./layout.ts";
import { interfacesOf } from "./way.ts";

/** What the evaluator expects of the kernel. */
export interface Expectation {
  readonly verdict: Verdict;
  readonly answer: Answer;
  /** What it was asked cannot be: a list of what is not tracked lets it go to a service, where nobody translates it then. */
  readonly isNeverTranslated: boolean;
  /**
   * Not the same without connection tracking: a preDNAT list allows it, which is noted at the connection, so that later lists do not
   * decide again; or it passes a host endpoint with an untracked list, which is asked again about what is not tracked.
   */
  readonly needsTracking: boolean;
}

/** The evaluator, told by which interfaces packets go, and which interfaces nodes have. */
export class Expectations {
  readonly #endpoints: Placement["endpoints"];
  readonly #layout: Layout;
  /** Endpoints with an untracked list. */
  readonly #untracking: ReadonlySet<EndpointId>;
  readonly #evaluate: Evaluate;

  constructor(program: Program, placement: Placement, layout: Layout) {
    const known = withInterfaces(program, placement, new Map(layout.nodes.map(({ name, own }) => [name, own])));
    this.#endpoints = known.endpoints;
    this.#layout = layout;
    this.#evaluate = evaluatorOf(program, known);
    this.#untracking = new Set([...known.endpoints.keys()].filter((id) => hasUntracked(known, id)));
  }

  of(packet: Packet): Expectation {
    const told = { ...packet, interfaces: interfacesOf(this.#layout, packet) };
    const verdict = this.#evaluate(told);
    return {
      verdict,
      answer: answerOfVerdict(verdict),
      isNeverTranslated: this.#isNeverTranslated(packet, verdict),
      needsTracking: this.#needsTracking(told, verdict),
    };
  }

  #isNeverTranslated({ translated }: Packet, { hosts }: Verdict): boolean {
    const isThere = (id: EndpointId) => this.#endpoints.get(id)?.node === translated?.node;
    return hosts.some(({ list, action, endpoint }) => list === "untracked" && action === "allow" && isThere(endpoint));
  }

  #needsTracking({ destination, interfaces }: Packet, { hosts }: Verdict): boolean {
    if (hosts.some(({ list, action }) => list === "preDnat" && action === "allow")) return true;
    if (hosts.some(({ action }) => action === "skip")) return true;
    const isUntracking = ({ node, id }: Endpoint) => interfaces?.has(node ?? "") && this.#untracking.has(id);
    return this.#layout.homes.get(destination)?.at === "pod" && [...this.#endpoints.values()].some(isUntracking);
  }
}

function hasUntracked({ classOf, classes }: Placement, id: EndpointId): boolean {
  const untracked = classes.get(classOf.get(id) as ClassId)?.others.untracked;
  return untracked !== undefined && untracked.ingress.length + untracked.egress.length > 0;
}
