import { type RuleId, tryParseRuleId } from "../core/rule-id.ts";
import { contentName } from "../enforcer/draft.ts";
import type { Name, Rule, Ruleset } from "../enforcer/ruleset.ts";
import { policyTitle } from "../policy/kind-names.ts";
import type { Program, RuleOrigin, SetDefinition } from "../policy/program.ts";
import { clean } from "../sinks/live/text.ts";
import type { WantedRuleset } from "./wanted-ruleset.ts";

/** So many policies of a chain are named. */
const namedPolicies = 3;

/** What the hashes in a ruleset stand for, in words of policies. */
export class RulesetNames {
  readonly #program: Program;
  readonly #rules: Program["rules"];
  readonly #chains: Ruleset["chains"];
  readonly #policiesOf = new Map<Name, ReadonlySet<string>>();
  #sets: ReadonlyMap<string, string> | undefined;

  constructor({ program, rules, ruleset }: WantedRuleset) {
    this.#program = program;
    this.#rules = rules;
    this.#chains = ruleset.chains;
  }

  /** `tier security, GlobalNetworkPolicy security.payments, egress rule 0: deny`; undefined for an id of another program. */
  rule(id: RuleId): string | undefined {
    const origin = this.#rules.get(id);
    return origin === undefined ? undefined : clean(originText(origin));
  }

  /** Of the rule at a place of a chain, as far as it carries the id of one. */
  ruleAt(chain: string, at: number): string | undefined {
    const rule = this.#chains.get(chain as Name)?.rules[at];
    const id = rule === undefined ? undefined : ruleIdIn(rule);
    return id === undefined ? undefined : this.rule(id);
  }

  /** The policies whose rules a packet meets in a chain and in those that it leads to; empty for none. */
  chain(name: string): string {
    const policies = [...this.#policiesIn(name as Name)].sort();
    const more = policies.length - namedPolicies;
    return policies.slice(0, namedPolicies).join(", ") + (more > 0 ? ` and ${more} more` : "");
  }

  /** What a set holds: `all pods with app == "web"`; undefined for one of no policy. */
  set(name: string): string | undefined {
    this.#sets ??= setNames(this.#program);
    return this.#sets.get(name);
  }

  #policiesIn(name: Name): ReadonlySet<string> {
    const known = this.#policiesOf.get(name);
    if (known !== undefined) return known;
    const found = new Set<string>();
    this.#policiesOf.set(name, found);
    for (const rule of this.#chains.get(name)?.rules ?? []) {
      const origin = this.#rules.get(ruleIdIn(rule) ?? ("" as RuleId));
      if (origin !== undefined && origin.rule >= 0) found.add(clean(policyTitle(origin)));
      for (const statement of rule.statements)
        if (statement.do === "jump") for (const policy of this.#policiesIn(statement.to)) found.add(policy);
    }
    return found;
  }
}

function originText(origin: RuleOrigin): string {
  const { tier, direction, action, rule } = origin;
  const what = rule < 0 ? "end of the tier" : `rule ${rule}`;
  return `tier ${tier}, ${policyTitle(origin)}, ${direction} ${what}: ${action}`;
}

/** The id that a rule of a ruleset carries in its label, log prefix or counter. */
function ruleIdIn({ statements }: Rule): RuleId | undefined {
  for (const statement of statements) {
    if (statement.do === "label") return statement.rule;
    if (statement.do === "count" && statement.counter.startsWith("r_"))
      return tryParseRuleId(statement.counter.slice(2));
    if (statement.do === "log") return tryParseRuleId(statement.prefix.because);
  }
  return undefined;
}

/** The ids in a rule as nft prints it. */
export function ruleIdsInWords(words: string): readonly RuleId[] {
  const found = words.matchAll(/[DLS]\|[EI]\|([0-9a-f]{16})|\br_([0-9a-f]{16})\b/g);
  return [...found].flatMap(([, prefix, counter]) => tryParseRuleId(prefix ?? counter ?? "") ?? []);
}

/** As sets.ts names them. */
const kindsOfSet = ["pods4", "pods6", "nets4", "nets6", "ports4", "ports6"];

function setNames(program: Program): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [id, definition] of program.sets)
    for (const kind of kindsOfSet) names.set(contentName(kind, id), clean(definitionText(definition)));
  return names;
}

function definitionText(definition: SetDefinition): string {
  switch (definition.kind) {
    case "selector":
      return `whom ${definition.selector} selects`;
    case "cidrs":
      return "CIDRs of a rule";
    case "nodes":
      return `nodes that ${definition.selector} selects`;
    case "port":
      return `ports "${definition.port}" of whom ${definition.selector} selects`;
    case "service":
      return `what stands behind Service ${definition.namespace}/${definition.name}`;
  }
}
