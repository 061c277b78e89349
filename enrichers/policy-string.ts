import type { FlowEndpoint } from "../core/records/flow.ts";
import type { RuleOrigin } from "../policy/program.ts";
import type { Step } from "../policy/verdict.ts";

// step   => index "|" tier "|" kind ":" [namespace "/"] name "|" action "|" rule
// index  => position in the way through one direction's policies, from 0
// kind   => np | gnp | knp | snp | sgnp | sknp (staged, in pending ways only) | pro | unknown
// action => allow | deny | pass | log
// rule   => position in the policy's rule list | -1 (the tier's default) | -2 (not known)
// As Calico writes policies in flow logs (felix/calc/policy_lookup_cache.go).

/** So many different ways are remembered; beyond it, it starts afresh. */
const mostWays = 65_536;

/** Ways that led to the same texts, by their rules. */
interface Way {
  readonly next: Map<Step["rule"], Way>;
  /** By the namespace of the endpoint. */
  readonly texts: Map<string | null, readonly string[]>;
}

const newWay = (): Way => ({ next: new Map(), texts: new Map() });

/** `stepTexts`, of which most are asked for again: the same ways are the same array, which must not be changed. */
export class WayTexts {
  readonly #originOf: (rule: Step["rule"]) => RuleOrigin | undefined;
  #first = newWay();
  #known = 0;
  readonly #joined = new WeakMap<readonly string[], WeakMap<readonly string[], readonly string[]>>();

  constructor(originOf: (rule: Step["rule"]) => RuleOrigin | undefined) {
    this.#originOf = originOf;
  }

  of(steps: readonly Step[], endpoint: FlowEndpoint): readonly string[] {
    let way = this.#first;
    for (const { rule } of steps) way = way.next.get(rule) ?? this.#follow(way, rule);
    const known = way.texts.get(endpoint.namespace);
    if (known !== undefined) return known;
    const texts = stepTexts(steps, this.#originOf, endpoint);
    way.texts.set(endpoint.namespace, texts);
    return texts;
  }

  /** One way after the other, as one array; the same for the same two. */
  joined(one: readonly string[], other: readonly string[]): readonly string[] {
    if (one.length === 0 || other.length === 0) return one.length === 0 ? other : one;
    const ways = this.#joined.get(one) ?? new WeakMap<readonly string[], readonly string[]>();
    this.#joined.set(one, ways);
    const texts = ways.get(other) ?? [...one, ...other];
    ways.set(other, texts);
    return texts;
  }

  /** To be called when rules stand for something else. */
  forget(): void {
    this.#first = newWay();
    this.#known = 0;
  }

  #follow(way: Way, rule: Step["rule"]): Way {
    if (++this.#known > mostWays) this.forget();
    const next = newWay();
    way.next.set(rule, next);
    return next;
  }
}

/** The way through policies as texts. `endpoint` is whom the policies apply to; its namespace names the profile. */
function stepTexts(
  steps: readonly Step[],
  originOf: (rule: Step["rule"]) => RuleOrigin | undefined,
  endpoint: FlowEndpoint,
): readonly string[] {
  return steps.map(({ rule, action }, index) => {
    const origin = originOf(rule);
    if (origin === undefined) return `${index}|__UNKNOWN__|unknown:${rule}|${action}|-2`;
    return stepText(index, origin, action, endpoint);
  });
}

export function stepText(index: number, origin: RuleOrigin, action: Step["action"], endpoint: FlowEndpoint): string {
  const rule = origin.kind === "pro" ? 0 : origin.rule;
  return `${index}|${origin.tier}|${origin.kind}:${nameOf(origin, endpoint)}|${action}|${rule}`;
}

/** The profile of a pod is that of its namespace, `kns.<namespace>`; one rule id serves all namespaces. */
function nameOf({ kind, namespace, name }: RuleOrigin, endpoint: FlowEndpoint): string {
  if (kind === "pro") return endpoint.namespace === null ? name : `${name}.${endpoint.namespace}`;
  return namespace === null ? name : `${namespace}/${name}`;
}
