import { SluiceError } from "../core/errors.ts";
import { allOf, anyOf, not, test } from "../core/filter/build.ts";
import { type Field, type FieldName, fields } from "../core/filter/fields.ts";
import type { Filter } from "../core/filter/filter.ts";
import { hint, literalOf, patternOf } from "../core/filter/literal.ts";
import { parseFilter } from "../core/filter/parse.ts";
import { isPattern } from "../core/filter/pattern.ts";
import { labelFilter } from "./label-selector.ts";

/** A flag that looks for flows. */
export interface FlowFlag {
  /** Without dashes. */
  readonly name: string;
  readonly short?: string;
  /** What hubble calls it. */
  readonly aliases?: readonly string[];
  readonly value: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** Only for users of hubble. */
  readonly isHidden?: boolean;
  readonly filterOf: (text: string, nowMs: number) => Filter;
}

/** One of them as it was given. */
export interface GivenFlag {
  readonly name: string;
  readonly value: string;
  /** `--not` stood before it. */
  readonly negated: boolean;
}

type End = "src" | "dst";
type OfEnd = (end: End, text: string) => Filter;

/** `--from-x`, `--to-x` and `--x`, which means either end. */
function ends(name: string, value: string, what: string, ofEnd: OfEnd, either?: FlowFlag["filterOf"]): FlowFlag[] {
  const one = (end: End) => eachOf((text) => ofEnd(end, text));
  return [
    {
      name,
      value,
      description: `${what} of either end`,
      filterOf: either ?? eachOf((text) => anyOf(ofEnd("src", text), ofEnd("dst", text))),
    },
    { name: `from-${name}`, value, description: `${what} of the source`, filterOf: one("src") },
    { name: `to-${name}`, value, description: `${what} of the destination`, filterOf: one("dst") },
  ];
}

function ofField(name: string, field: FieldName, value: string, aliases: readonly string[] = []): FlowFlag {
  const { description, values }: Field = fields[field];
  const choices = values === undefined ? {} : { choices: values };
  return { name, aliases, value, description, ...choices, filterOf: eachOf((text) => comparison(field, text)) };
}

/** All of them. Those of one name hold if any does, those of different names if all do. */
export const flowFlags: readonly FlowFlag[] = [
  ...ends("pod", "[ns/]name", "pod (its suffix may be left out; * and ?)", podOf),
  ...ends("namespace", "name", "namespace", (end, text) => comparison(`${end}.ns`, text)).map(
    withShort("namespace", "n"),
  ),
  ...labelFlags(),
  ...ends(
    "ip",
    "address",
    "address or CIDR",
    (end, text) => comparison(`${end}.ip`, text),
    eachOf((text) => comparison("ip", text)),
  ),
  ...ends("port", "number", "port", (end, text) => comparison(`${end}.port`, text)),
  ...ends("workload", "[ns/]name", "workload", (end, text) => namedOf(end, text, "workload")),
  ofField("service", "service", "[ns/]name", ["to-service"]),
  ofField("protocol", "protocol", "name"),
  ofField("verdict", "verdict", "verdict"),
  { ...ofField("reason", "reason", "reason", ["drop-reason-desc"]), filterOf: eachOf(reasonOf) },
  {
    ...ofField("policy", "policy", "[ns/]name"),
    description: "policy on the path (its tier's name before it may be left out; * and ?)",
    filterOf: eachOf(policyOf),
  },
  ofField("tier", "tier", "name"),
  ofField("node", "node", "name", ["node-name"]),
  ofField("reporter", "reporter", "end"),
  {
    name: "traffic-direction",
    value: "direction",
    isHidden: true,
    description: "the reporting node's view: ingress as --reporter dst, egress as --reporter src",
    filterOf: eachOf((text) => comparison("reporter", wordOf(directions, text))),
  },
  {
    name: "type",
    short: "t",
    value: "type",
    isHidden: true,
    description: "drop as --verdict deny, trace as --verdict allow, policy-verdict both",
    filterOf: eachOf((text) => test("verdict", "=", wordOf(types, text).split(" "))),
  },
  {
    name: "filter",
    value: "text",
    description: "the filter language, e.g. 'dst.ns = prod and bytes > 1M' (docs/reference/fields.md)",
    filterOf: parseFilter,
  },
];

/** What flags mean together; null: every flow. Throws FILTER_INVALID that names the flag. */
export function filterOfFlags(given: readonly GivenFlag[], nowMs: number): Filter | null {
  const byName = Map.groupBy(given, ({ name }) => name);
  return allOf(
    [...byName.values()].flatMap((flags) => {
      const filters = flags.map((flag) => ({ ...flag, filter: filterOfFlag(flag, nowMs) }));
      const [first, ...others] = filters.filter(({ negated }) => !negated).map(({ filter }) => filter);
      const without = filters.filter(({ negated }) => negated).map(({ filter }) => not(filter));
      return [...(first === undefined ? [] : [anyOf(first, ...others)]), ...without];
    }),
  );
}

function filterOfFlag({ name, value }: GivenFlag, nowMs: number): Filter {
  const flag = flowFlags.find((one) => one.name === name);
  if (flag === undefined) throw new Error(`no flag --${name}`);
  try {
    return flag.filterOf(value, nowMs);
  } catch (thrown) {
    if (!(thrown instanceof SluiceError)) throw thrown;
    throw new SluiceError(thrown.code, `--${name}: ${thrown.message}`, { cause: thrown, context: thrown.context });
  }
}

/** Several values may be given with commas. */
function eachOf(filterOf: (text: string) => Filter): (text: string) => Filter {
  return (text) => {
    const [first, ...others] = text.split(",").map((part) => filterOf(part.trim()));
    return anyOf(first as Filter, ...others);
  };
}

function comparison(field: FieldName, text: string): Filter {
  if (text === "") complain("a value is missing");
  if (fields[field].type === "text" && isPattern(text)) return test(field, "~", [patternOf(field, text, complain)]);
  return test(field, "=", [literalOf(field, text, 0, complain)]);
}

function complain(complaint: string): never {
  throw new SluiceError("FILTER_INVALID", complaint);
}

/** hubble's words for which of our values. */
const directions: Readonly<Record<string, string>> = { ingress: "dst", egress: "src" };
const types: Readonly<Record<string, string>> = { drop: "deny", trace: "allow", "policy-verdict": "allow deny" };

function wordOf(words: Readonly<Record<string, string>>, text: string): string {
  const known = Object.keys(words);
  return words[text.toLowerCase()] ?? complain(`"${text}" is none of ${known.join(", ")}${hint(text, known)}`);
}

/** What policy denied has no reason of the kernel's. */
function reasonOf(text: string): Filter {
  if (/^policy_den(y|ied)$/i.test(text))
    return allOf([comparison("verdict", "deny"), not(test("reason", "exists", []))]) as Filter;
  return comparison("reason", text);
}

/** As tables show it: Calico's names begin with the tier's, `security.quarantine`, and tables leave that out. */
function policyOf(text: string): Filter {
  const [, path = "", name = ""] = /^(.*[/:])?([^/:]*)$/.exec(text) ?? [];
  if (name === "" || name.includes(".") || isPattern(text)) return comparison("policy", text);
  return test("policy", "~", [text, `${path}*.${name}`]);
}

/** As `trace` finds pods: by the whole name or by what stands before the suffix that its workload gave it. */
function podOf(end: End, text: string): Filter {
  return namedOf(end, text, "pod");
}

/** `name`, `namespace/name`, `namespace/` for all there. */
function namedOf(end: End, text: string, part: "pod" | "workload"): Filter {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  if (name === "" && slash <= 0) complain("a name is missing");
  const ofNamespace = slash <= 0 ? [] : [comparison(`${end}.ns`, text.slice(0, slash))];
  return allOf([...ofNamespace, ...(name === "" ? [] : [named(`${end}.${part}`, name)])]) as Filter;
}

function named(field: FieldName, name: string): Filter {
  if (isPattern(name)) return test(field, "~", [name]);
  return field.endsWith(".pod") ? test(field, "~", [name, `${name}-*`]) : test(field, "=", [name]);
}

/** Commas part the requirements of a selector, so they are no list here. */
function labelFlags(): readonly FlowFlag[] {
  const filters: Readonly<Record<string, (text: string) => Filter>> = {
    label: (text) => anyOf(labelFilter("src", text), labelFilter("dst", text)),
    "from-label": (text) => labelFilter("src", text),
    "to-label": (text) => labelFilter("dst", text),
  };
  return ends("label", "selector", "labels as kubectl selects them", labelFilter)
    .map((flag) => ({ ...flag, filterOf: filters[flag.name] ?? flag.filterOf }))
    .map(withShort("label", "l"));
}

function withShort(name: string, short: string): (flag: FlowFlag) => FlowFlag {
  return (flag) => (flag.name === name ? { ...flag, short } : flag);
}
