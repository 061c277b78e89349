import type { Flow, FlowEndpoint, RawFlow } from "../core/records/flow.ts";
import type { EndpointId, Placement } from "../policy/placement.ts";
import type { Direction, Program } from "../policy/program.ts";
import type { Evaluate, HostPath, Packet, Path, Verdict } from "../policy/verdict.ts";
import { type Ends, isLocal } from "./authoritative.ts";
import { decisiveHostPath, HostEndpoints } from "./host-endpoints.ts";
import { stepText } from "./policy-string.ts";
import type { BookedRule, RuleBook } from "./rule-book.ts";

/** The policies in force, as enrichment needs them. */
export interface PolicyInForce {
  readonly program: Program;
  readonly evaluate: Evaluate;
  /** Tells endpoints without policy from such as the evaluator does not know; without it they look the same. */
  readonly placement?: Placement;
  /**
   * Whether that node's kernel decides, or only watches, about an endpoint there: by the namespace of a pod; null: about the node
   * itself, and what passes through.
   */
  readonly mode: (node: string, namespace: string | null) => Flow["mode"];
}

export type Decision = Pick<Flow, "action" | "verdictSource" | "programRevision" | "enforced">;

/** What is known of one direction; `none`: there was nothing to decide. */
interface Judgement {
  readonly from: Flow["verdictSource"] | "none";
  readonly steps: readonly string[];
  /** Where the kernel's rule is no longer in force. */
  readonly revision?: string;
}

const unknown: Judgement = { from: "unknown", steps: [] };
const none: Judgement = { from: "none", steps: [] };

/**
 * Why the packet passed or not. Only directions that the reporting node decides are told: egress if the source is local to it,
 * ingress if the destination is; the other end's node reports the other. So what stands in a record from the kernel is proof.
 *
 * The kernel's rule has the last word on what decided. The evaluator adds the way that led to this rule, if policies and labels
 * still lead there; and it stands in where the kernel names no rule (an older connection, an observing node).
 *
 * Where a node is at the end its host endpoint decides, in whichever list. Of what passes through a node only its denials are told: the
 * kernel says of nothing else that it happened.
 */
export function decide(
  flow: RawFlow,
  ends: Ends,
  policy: PolicyInForce | undefined,
  rules: RuleBook,
  evaluated: Verdict | undefined = evaluate(flow, policy),
): Decision {
  const action = flow.state === "denied" ? "deny" : "allow";
  const revision = policy?.program.revision ?? null;
  if (isDeniedWithoutRule(flow)) return { action, verdictSource: "kernel", programRevision: revision, enforced: [] };
  if (isAnnounced(flow)) return { action, verdictSource: "evaluated", programRevision: revision, enforced: [] };
  const evidence = { flow, ends, rules, policy, evaluated };
  const egress = decidesEgress(flow, ends) ? judge("egress", evidence) : undefined;
  const ingress = decidesIngress(flow, ends) ? judge("ingress", evidence) : undefined;
  return {
    action,
    verdictSource: weakest(
      flow.denied === "ingress" ? undefined : egress,
      flow.denied === "egress" ? undefined : ingress,
      evaluated !== undefined,
    ),
    programRevision: egress?.revision ?? ingress?.revision ?? revision,
    enforced: rules.texts.joined(egress?.steps ?? [], ingress?.steps ?? []),
  };
}

/**
 * Whether what became of the flow is enforcement: a denial is, whoever is observed otherwise. What passed is if all those are enforced
 * who had to let it pass: a chain of proof is as good as its weakest link.
 */
export function modeOf(flow: RawFlow, ends: Ends, policy: PolicyInForce | undefined): Flow["mode"] {
  if (policy === undefined) return "observed";
  if (flow.state === "denied") return "enforced";
  const isObserved = ({ kind, namespace }: FlowEndpoint) =>
    policy.mode(flow.node, kind === "pod" ? namespace : null) === "observed";
  const [egress, ingress] = [decidesEgress(flow, ends), decidesIngress(flow, ends)];
  if (!egress && !ingress) return policy.mode(flow.node, null);
  return (egress && isObserved(ends.source)) || (ingress && isObserved(ends.destination)) ? "observed" : "enforced";
}

/** What the policies in force make of the packet, on the way that the reporting node saw it take. */
export function evaluate(flow: RawFlow, policy: PolicyInForce | undefined): Verdict | undefined {
  if (policy === undefined) return undefined;
  const packet = packetOf(flow);
  const hosts = policy.placement === undefined ? [] : HostEndpoints.of(policy.placement).on(flow.node);
  return policy.evaluate(hosts.length === 0 ? packet : { ...packet, ...hintsOf(flow) });
}

/** What host endpoints look at beyond the packet itself. */
function hintsOf({
  node,
  inInterface,
  outInterface,
  nat,
  ...flow
}: RawFlow): Pick<Packet, "interfaces" | "translated"> {
  const seen = {
    ...(inInterface === null ? {} : { in: inInterface }),
    ...(outInterface === null ? {} : { out: outInterface }),
  };
  const isTranslated = nat !== null && nat.destinationAddress !== flow.destinationAddress;
  const { destinationAddress: destination, destinationPort } = nat ?? flow;
  return {
    ...(Object.keys(seen).length === 0 ? {} : { interfaces: new Map([[node, seen]]) }),
    ...(isTranslated ? { translated: { node, destination, destinationPort } } : {}),
  };
}

/**
 * The data connection of FTP and its like: the rules let pass what is related to a connection that passed, and ask no policy. That it was so
 * is not the kernel's word: it leaves no label.
 */
export function isAnnounced({ state, related }: RawFlow): boolean {
  return state !== "denied" && related !== null;
}

/** Spoofed, unknown or invalid: no policy took part, and the kernel says so itself. */
export function isDeniedWithoutRule(flow: RawFlow): boolean {
  return flow.state === "denied" && flow.reason !== null && flow.egressRule === null && flow.ingressRule === null;
}

/** The directions that the reporting node decides. */
export function directionsOf(flow: RawFlow, ends: Ends): readonly Direction[] {
  if (!decidesEgress(flow, ends)) return decidesIngress(flow, ends) ? onlyIngress : neither;
  return decidesIngress(flow, ends) ? both : onlyEgress;
}

const both: readonly Direction[] = ["egress", "ingress"];
const onlyEgress: readonly Direction[] = ["egress"];
const onlyIngress: readonly Direction[] = ["ingress"];
const neither: readonly Direction[] = [];

function decidesEgress({ denied, node }: RawFlow, { source }: Ends): boolean {
  return denied === "egress" || isLocal(source, node);
}

function decidesIngress({ denied, node }: RawFlow, { destination }: Ends): boolean {
  return denied === "ingress" || (denied !== "egress" && isLocal(destination, node));
}

export function packetOf(flow: RawFlow): Packet {
  return {
    source: flow.sourceAddress,
    destination: flow.destinationAddress,
    protocol: flow.protocol,
    sourcePort: flow.icmp === null ? flow.sourcePort : 0,
    destinationPort: flow.icmp === null ? flow.destinationPort : 0,
    icmp: flow.icmp === null ? null : { type: flow.icmp.type, code: flow.icmp.code },
  };
}

interface Evidence extends Opinion {
  readonly rules: RuleBook;
}

/** What the evaluator makes of a flow. */
export interface Opinion {
  readonly flow: RawFlow;
  readonly ends: Ends;
  readonly policy: PolicyInForce | undefined;
  readonly evaluated: Verdict | undefined;
}

function judge(direction: Direction, evidence: Evidence): Judgement {
  const { flow, ends, rules } = evidence;
  const endpoint = direction === "egress" ? ends.source : ends.destination;
  const action = flow.denied === direction ? "deny" : "allow";
  const path = pathOf(direction, endpoint, evidence);
  const id = direction === "egress" ? flow.egressRule : flow.ingressRule;
  const rule = rules.decider(id, direction, action);
  if (rule !== undefined) {
    if (isPath(path) && path.rule === id) return { from: "kernel", steps: rules.texts.of(path.steps, endpoint) };
    return { from: "kernel", steps: [stepText(0, rule, rule.action, endpoint)], ...outdated(rule, evidence) };
  }
  if (!isPath(path)) return path === "none" && flow.denied !== direction ? none : unknown;
  // A denial that the evaluator cannot follow, or an allowed step before one, must not be told as if it had happened.
  if (flow.denied !== null && path.action !== action) return unknown;
  return { from: "evaluated", steps: rules.texts.of(path.steps, endpoint) };
}

/** The evaluated way; `none` if the endpoint is subject to no policy, undefined if the evaluator speaks of somebody else. */
export function pathOf(direction: Direction, endpoint: FlowEndpoint, evidence: Opinion): Path | "none" | undefined {
  const { evaluated } = evidence;
  if (evaluated === undefined) return undefined;
  // So it is nearly always.
  if (evaluated.hosts.length === 0 && endpoint.kind !== "node")
    return ownPathOf(direction, endpoint, evidence, evaluated);
  const { hosts, isEnd, isHere } = hostsOf(endpoint, evidence);
  const denial = evidence.flow.denied === direction && decisiveHostPath(evaluated, direction, "deny", isHere);
  if (denial) return denial;
  // What a pod may send to its own node is asked last, and has the last word.
  const toOwnNode = decisiveHostPath(evaluated, direction, null, ({ list }) => list === "toOwnNode");
  if (toOwnNode) return toOwnNode;
  const path = evaluated[direction];
  if (path !== null && isEnd(path)) return path;
  const other = path === null && hosts && decisiveHostPath(evaluated, direction, null, isEnd);
  return other || ownPathOf(direction, endpoint, evidence, evaluated);
}

/** The way through the policies of the endpoint itself. */
function ownPathOf(
  direction: Direction,
  endpoint: FlowEndpoint,
  evidence: Opinion,
  evaluated: Verdict,
): Path | "none" | undefined {
  const path = evaluated[direction];
  const id = endpointIdOf(endpoint);
  if (path !== null) return path.endpoint === id ? path : undefined;
  // After a denied egress ingress is not asked; that says nothing if the packet did arrive from another node.
  if (direction === "ingress" && evaluated.egress?.action === "deny") return askedHere(evidence) ? "none" : undefined;
  return evidence.policy?.placement?.endpoints.has(id) === false ? undefined : "none";
}

/** Whether a path is one of a host endpoint of the reporting node, and of the node that is itself at this end. */
function hostsOf({ kind, node }: FlowEndpoint, { flow, policy }: Opinion) {
  const hosts = policy?.placement && HostEndpoints.of(policy.placement);
  const isOn = (wanted: string | null) => (path: Path | HostPath) =>
    ("list" in path && path.list === "toOwnNode") || (hosts?.isOn(wanted, path) ?? false);
  return { hosts, isHere: isOn(flow.node), isEnd: kind === "node" ? isOn(node) : () => false };
}

const ids = new WeakMap<FlowEndpoint, EndpointId>();

/** As policy/placement.ts names endpoints; records share the objects of endpoints, so each is named once. */
function endpointIdOf(endpoint: FlowEndpoint): EndpointId {
  const known = ids.get(endpoint);
  if (known !== undefined) return known;
  const { kind, namespace, name } = endpoint;
  const id = `${kind}:${namespace === null ? "" : `${namespace}/`}${name}` as EndpointId;
  ids.set(endpoint, id);
  return id;
}

const askedHere = ({ flow, ends }: Opinion) => isLocal(ends.source, flow.node);

export const isPath = (path: Path | "none" | undefined): path is Path => typeof path === "object";

function outdated(rule: BookedRule, { policy }: Evidence): { readonly revision?: string } {
  return rule.revision === policy?.program.revision ? {} : { revision: rule.revision };
}

/** A chain of proof is as good as its weakest link. Nothing to decide is an answer of the evaluator. */
function weakest(
  one: Judgement | undefined,
  other: Judgement | undefined,
  isEvaluated: boolean,
): Flow["verdictSource"] {
  for (const source of trust) if (one?.from === source || other?.from === source) return source;
  return isEvaluated ? "evaluated" : "unknown";
}

const trust = ["unknown", "evaluated", "kernel"] as const;
