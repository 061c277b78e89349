import { type Address, type Family, familyOf, tryParseAddress } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import { hint } from "../core/filter/literal.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { explainPath } from "../policy/explain.ts";
import type { Endpoint } from "../policy/placement.ts";
import type { RuleOrigin } from "../policy/program.ts";
import { hasPorts, protocolName } from "../policy/protocol.ts";
import type { Packet, Path, Step } from "../policy/verdict.ts";
import type { World } from "../policy/world.ts";
import { backendsOf, serviceAt } from "./service-backends.ts";

/** What `sluice trace` is asked. */
export interface Question {
  readonly from: string;
  readonly to: string;
  /** Destination port; ICMP type, where null is an echo request; null for protocols without either. */
  readonly port: number | null;
  readonly protocol: number;
  readonly family: Family | null;
}

/** The answer for one destination (a Service has several). */
export interface Trace {
  readonly action: "allow" | "deny";
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  /** Where the packet goes in the end, so of a Service the port of the pod; or the ICMP type. */
  readonly port: number | null;
  /** Why no policy was asked, in words; null if one was. */
  readonly exempt: string | null;
  /** Each way step by step; null where that end is not subject to policy, or egress denied already. */
  readonly egress: readonly TraceStep[] | null;
  readonly ingress: readonly TraceStep[] | null;
}

/** One rule on the way through the tiers. */
export interface TraceStep {
  /** null: no policy decided. */
  readonly tier: string | null;
  /** As in records: np, gnp, knp; null: no policy decided. */
  readonly kind: string | null;
  /** `namespace/name` or `name`. */
  readonly policy: string | null;
  /** Its index in the policy; null: the tier's default. */
  readonly rule: number | null;
  readonly action: Step["action"];
  /** The same in words. */
  readonly text: string;
}

interface End {
  readonly label: string;
  readonly address: Address;
  readonly port: number | null;
}

/** Answers for every destination that `to` means. Throws USAGE for names that mean nothing. */
export function traceOf(world: World, objects: readonly KubeObject[], question: Question): readonly Trace[] {
  const program = world.program();
  const placement = world.placement();
  const evaluate = evaluatorOf(program, placement);
  const endpoints = [...placement.endpoints.values()];
  const classOf = (endpoint: Endpoint) => placement.classOf.get(endpoint.id);
  const sources = endsOf(question.from, question.port, endpoints, classOf);
  // What is sent to a Service's address goes to a pod behind it, and policy sees that pod.
  const service = question.to.startsWith("service:")
    ? question.to.slice("service:".length)
    : serviceAt(question.to, objects);
  const targets =
    service === undefined
      ? endsOf(question.to, question.port, endpoints, classOf)
      : backendsOf(service, question, objects).flatMap(({ pod, port }) => endsOf(pod, port, endpoints, classOf));
  return pairs(sources, targets, question).map(({ source, target }) => {
    const packet = packetOf(question.protocol, source, target);
    const verdict = evaluate(packet);
    const words = (path: Path | null) => (path === null ? null : stepsOf(path, program.rules));
    return {
      action: verdict.action,
      from: source.label,
      to: target.label,
      protocol: protocolName(question.protocol),
      port: packet.icmp?.type ?? target.port,
      exempt: verdict.exempt === null ? null : exemptions[verdict.exempt],
      egress: words(verdict.egress),
      ingress: words(verdict.ingress),
    };
  });
}

function stepsOf(path: Path, rules: ReadonlyMap<Step["rule"], RuleOrigin>): readonly TraceStep[] {
  const texts = explainPath(path, rules);
  return path.steps.map(({ rule: id, action }, at) => {
    const origin = rules.get(id);
    const text = texts[at] ?? "";
    if (origin === undefined || origin.kind === "pro")
      return { tier: null, kind: null, policy: null, rule: null, action, text };
    const { tier, kind, namespace, name, rule } = origin;
    const policy = namespace === null ? name : `${namespace}/${name}`;
    return { tier, kind, policy, rule: rule < 0 ? null : rule, action, text };
  });
}

const exemptions = {
  self: "a pod always reaches itself",
  "own-node": "a node always reaches the pods that run on it",
} as const;

/** One pair of addresses for each pair of ends: of the family asked for, else the first that both have. */
function pairs(sources: readonly End[], targets: readonly End[], { family }: Question) {
  const fits = (end: End) => family === null || familyOf(end.address) === family;
  const found = [...Map.groupBy(targets.filter(fits), ({ label, port }) => `${label} ${port}`).values()].flatMap(
    (same) => {
      const candidates = same.flatMap((target) => {
        const source = sources.filter(fits).find(({ address }) => familyOf(address) === familyOf(target.address));
        return source === undefined ? [] : [{ source, target }];
      });
      return candidates.slice(0, 1);
    },
  );
  if (found.length > 0) return found;
  throw new SluiceError("USAGE", "the two ends have no address of the same family");
}

/** Types of echo requests by protocol: ICMP and ICMPv6. */
const echoRequest: Readonly<Record<number, number>> = { 1: 8, 58: 128 };

function packetOf(protocol: number, source: End, target: End): Packet {
  const echo = echoRequest[protocol];
  return {
    source: source.address,
    destination: target.address,
    protocol,
    // Any port that clients use; policies seldom look at it.
    sourcePort: hasPorts(protocol) ? 40_000 : 0,
    destinationPort: hasPorts(protocol) ? (target.port ?? 0) : 0,
    icmp: echo === undefined ? null : { type: target.port ?? echo, code: 0 },
  };
}

type ClassOf = (endpoint: Endpoint) => unknown;

function endsOf(text: string, port: number | null, endpoints: readonly Endpoint[], classOf: ClassOf): readonly End[] {
  const address = tryParseAddress(text);
  if (address !== undefined) {
    const owner = endpoints.find(({ addresses, hostNetwork }) => !hostNetwork && addresses.includes(address));
    return [{ label: owner === undefined ? address : labelOf(owner), address, port }];
  }
  const found = named(text, endpoints, classOf);
  return found.addresses.map((own) => ({ label: labelOf(found), address: own, port }));
}

function labelOf({ kind, namespace, name }: Endpoint): string {
  return kind === "pod" ? `${namespace}/${name}` : `node:${name}`;
}

/** By its whole name, or without the suffix of its workload where all pods so named have the same policies. */
function named(text: string, endpoints: readonly Endpoint[], classOf: ClassOf): Endpoint {
  const exact = endpoints.find((endpoint) => labelOf(endpoint) === text);
  if (exact !== undefined) return exact;
  const begun = endpoints.filter((endpoint) => endpoint.kind === "pod" && labelOf(endpoint).startsWith(`${text}-`));
  const first = begun[0];
  if (first !== undefined && new Set(begun.map(classOf)).size === 1) return first;
  const meant =
    begun.length > 1 ? `; it could be ${begun.map(labelOf).join(", ")}` : hint(text, endpoints.flatMap(namesOf));
  throw new SluiceError("USAGE", `"${text}" is no pod with an address, node:NAME or address here${meant}`);
}

/** How an endpoint may be called: a pod also without what its workload put behind. */
function namesOf(endpoint: Endpoint): readonly string[] {
  const label = labelOf(endpoint);
  return endpoint.kind === "pod" ? [label, label.replace(/(-[a-z0-9]{8,10})?-[a-z0-9]{5}$/, "")] : [label];
}
