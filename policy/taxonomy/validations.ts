import { celHas, celList, celSelector, celText } from "./cel-text.ts";
import { offerLike, offerOf } from "./offer.ts";
import { regexOf } from "./pattern.ts";
import { isNode, type Target } from "./targets.ts";
import type { AllowedValues, Requirement, Setters, TaxonomyKey } from "./taxonomy.ts";

/** One entry of `spec.validations` of a ValidatingAdmissionPolicy. */
export interface Validation {
  readonly expression: string;
  readonly message: string;
  readonly reason: "Invalid" | "Forbidden";
}

/** Variables that the expressions below read: labels as they will be, as they were, and those of the namespace. */
export const after = "variables.after";
export const before = "variables.before";
export const ofNamespace = "variables.ofNamespace";

/**
 * What a key asks of a request. A fault that the object had before is none of the request's: it may be updated otherwise, and mended
 * in steps.
 */
export function validationsOf(key: TaxonomyKey, target: Target): readonly Validation[] {
  return [...allowedValues(key, target), ...presence(key, target), ...rightToSet(key, target)];
}

function allowedValues({ key, values }: TaxonomyKey, { noun }: Target): readonly Validation[] {
  if (values === null) return [];
  const expression = `${isUnchanged(key)} || !${celHas(key, after)} || ${isAllowed(values, `${after}[${celText(key)}]`)}`;
  const offer = values.type === "list" ? offerOf(values.values.map((one) => one.value)) : offerLike(values.pattern);
  const message = `label ${key} of the ${noun}: the value is not allowed; ${offer}`;
  return [{ expression, message, reason: "Invalid" }];
}

function isAllowed(values: AllowedValues, value: string): string {
  return values.type === "list"
    ? `${value} in ${celList(values.values.map((one) => one.value))}`
    : `${value}.matches(${celText(regexOf(values.pattern))})`;
}

function presence({ key, required }: TaxonomyKey, { kind, noun, asked = "true" }: Target): readonly Validation[] {
  const where = required.filter((one) => one.kind === kind);
  if (where.length === 0) return [];
  const lacks = (labels: string) => `(${isRequired(where, labels)}) && !${celHas(key, labels)}`;
  const expression = `!(${asked}) || !(${lacks(after)}) || (oldObject != null && ${lacks(before)})`;
  return [{ expression, message: `label ${key} is required on this ${noun}`, reason: "Invalid" }];
}

function isRequired(where: readonly Requirement[], labels: string): string {
  const each = where.map(({ namespaceSelector, selector }) => [
    ...(namespaceSelector === null ? [] : [celSelector(namespaceSelector, ofNamespace)]),
    ...(selector === null ? [] : [celSelector(selector, labels)]),
  ]);
  return each.map((terms) => (terms.length === 0 ? "true" : terms.join(" && "))).join(" || ");
}

/** Who sets, changes or removes it may set both what was there and what will be. */
function rightToSet(key: TaxonomyKey, target: Target): readonly Validation[] {
  const usual = isSetter(key.setters, target);
  const special = [...Map.groupBy(valuesWithSetters(key), ({ setters }) => isSetter(setters, target))];
  if (usual === "true" && special.length === 0) return [];
  const branches = special.map(([who, values]) => `value in ${celList(values.map(({ value }) => value))} ? ${who} : `);
  const mayUse = `${branches.join("")}${usual}`;
  const both = `[${before}, ${after}].all(labels, !${celHas(key.key, "labels")} || [labels[${celText(key.key)}]].all(value, ${mayUse}))`;
  const message = `label ${key.key} of the ${target.noun}: this user may not set, change or remove that value`;
  return [{ expression: `${isUnchanged(key.key)} || ${both}`, message, reason: "Forbidden" }];
}

function valuesWithSetters({ values }: TaxonomyKey): readonly { readonly value: string; readonly setters: Setters }[] {
  if (values?.type !== "list") return [];
  return values.values.flatMap(({ value, setters }) => (setters === null ? [] : [{ value, setters }]));
}

function isSetter(setters: Setters | null, { name }: Target): string {
  if (setters === null) return name === "nodes" ? `!(${isNode})` : "true";
  const users = setters.users.length === 0 ? [] : [`request.userInfo.username in ${celList(setters.users)}`];
  const groups =
    setters.groups.length === 0
      ? []
      : [`request.userInfo.?groups.orValue([]).exists(group, group in ${celList(setters.groups)})`];
  return `(${[...users, ...groups].join(" || ")})`;
}

function isUnchanged(key: string): string {
  return `${after}[?${celText(key)}] == ${before}[?${celText(key)}]`;
}
