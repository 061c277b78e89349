import type { Access } from "../../core/kube/api/access.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { tierGrants } from "../tiers/grants.ts";
import { type Grant, grantsOf, ruleAllows } from "./rules.ts";

/** What somebody may do in a tier. */
export interface MatrixRow extends Cell {
  /** `User ann`, `Group web-team`, `ServiceAccount gitops/argo` */
  readonly subject: string;
  /** Null: the same in each. */
  readonly tier: string | null;
}

interface Cell {
  /** Null: in all, and kinds that are in none. */
  readonly namespace: string | null;
  /** `networkpolicies`, …; `tiers` is the tier itself: its order, and whether it is there. */
  readonly kinds: readonly string[];
  readonly verbs: readonly Verb[];
  /** The only policies meant; null: all. */
  readonly policies: readonly string[] | null;
  /** What else it takes, and neither this subject has by itself nor everybody: a group may give it. Empty: the subject may. */
  readonly lacks: readonly ("get on the tier" | "the verb on the kind")[];
}

const verbs = ["create", "update", "delete"] as const;
type Verb = (typeof verbs)[number];

/** By what RBAC lets one do it. */
const plainVerbs: Readonly<Record<Verb, readonly string[]>> = {
  create: ["create"],
  update: ["update", "patch"],
  delete: ["delete", "deletecollection"],
};

const group = "projectcalico.org";

/** In what the API server puts everybody whom it knows. */
const everybody = "Group system:authenticated";

/**
 * Who may change which tier, as bindings say: rows of everybody who has a right on a tier or on policies of it, also where something is
 * missing that a group of theirs may give. Tiers in the order given.
 */
export function tierMatrix(objects: readonly KubeObject[], tiers: readonly string[]): readonly MatrixRow[] {
  const bySubject = Map.groupBy(grantsOf(objects), ({ subject }) => subject);
  const common = bySubject.get(everybody) ?? [];
  return [...bySubject.keys()].sort().flatMap((subject): readonly MatrixRow[] => {
    const own = bySubject.get(subject) ?? [];
    const rights: Rights = { own, held: [...own, ...common] };
    const rows = tiers.map((tier) => [...tierCells(tier, rights), ...policyCells(tier, rights)]);
    const isSame = rows.every((cells) => JSON.stringify(cells) === JSON.stringify(rows[0]));
    if (isSame) return (rows[0] ?? []).map((cell) => ({ subject, tier: null, ...cell }));
    return tiers.flatMap((tier, at) => (rows[at] ?? []).map((cell) => ({ subject, tier, ...cell })));
  });
}

interface Rights {
  readonly own: readonly Grant[];
  /** Those, and what everybody has. */
  readonly held: readonly Grant[];
}

/** Rights on the tier itself. */
function tierCells(name: string, { own }: Rights): readonly Cell[] {
  const may = verbs.filter((verb) => allowsOne(own, null, verb, { group, resource: "tiers", name }));
  return may.length === 0 ? [] : [{ namespace: null, kinds: ["tiers"], verbs: may, policies: null, lacks: [] }];
}

/** Rights on policies in it. */
function policyCells(tier: string, rights: Rights): readonly Cell[] {
  const namespaces = [...new Set(rights.own.map(({ namespace }) => namespace))].sort();
  const cells = namespaces.flatMap((namespace) =>
    policyResources
      .filter(({ scope }) => namespace === null || scope === "Namespaced")
      .flatMap(({ plural }) => verbs.flatMap((verb) => cellOf({ plural, verb, tier, namespace }, rights) ?? [])),
  );
  return gathered(gathered(cells, "verbs"), "kinds");
}

interface Place {
  readonly plural: string;
  readonly verb: Verb;
  readonly tier: string;
  readonly namespace: string | null;
}

function cellOf({ plural, verb, tier, namespace }: Place, { own, held }: Rights): Cell | undefined {
  const { tier: getTier, policies } = tierGrants({ verb, plural, tier });
  const ofTier = policies[0] as Access;
  // What is bound for all namespaces is told there.
  const here = own.filter((grant) => grant.namespace === namespace);
  const names = namesGranted(here, ofTier, tier);
  const isWhole = allows(here, namespace, ofTier);
  if (!isWhole && names.length === 0) return undefined;
  const mayOnKind = allowsOne(held, namespace, verb, { group, resource: plural });
  return {
    ...{ namespace, kinds: [plural], verbs: [verb], policies: isWhole ? null : names },
    lacks: [
      ...(allows(held, null, getTier) ? [] : (["get on the tier"] as const)),
      ...(mayOnKind ? [] : (["the verb on the kind"] as const)),
    ],
  };
}

/** Policies of the tier that are granted by name. */
function namesGranted(grants: readonly Grant[], access: Access, tier: string): readonly string[] {
  const rules = grants.flatMap((grant) => grant.rules);
  const names = rules.flatMap((rule) => rule.resourceNames.filter((name) => ruleAllows(rule, { ...access, name })));
  return [...new Set(names)].filter((name) => name.startsWith(`${tier}.`)).sort();
}

function allowsOne(
  grants: readonly Grant[],
  namespace: string | null,
  verb: Verb,
  what: Omit<Access, "verb">,
): boolean {
  return plainVerbs[verb].some((plain) => allows(grants, namespace, { ...what, verb: plain }));
}

/** What is bound for all namespaces holds in each. */
function allows(grants: readonly Grant[], namespace: string | null, access: Access): boolean {
  const inForce = grants.filter((grant) => grant.namespace === null || grant.namespace === namespace);
  return inForce.some(({ rules }) => rules.some((rule) => ruleAllows(rule, access)));
}

/** Cells that differ in this list only, as one. */
function gathered(cells: readonly Cell[], list: "verbs" | "kinds"): readonly Cell[] {
  const alike = Map.groupBy(cells, (cell) => JSON.stringify({ ...cell, [list]: null }));
  return [...alike.values()].map((same) => ({ ...(same[0] as Cell), [list]: same.flatMap((cell) => cell[list]) }));
}
