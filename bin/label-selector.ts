import { SluiceError } from "../core/errors.ts";
import { allOf, not, test } from "../core/filter/build.ts";
import type { Filter } from "../core/filter/filter.ts";

// selector    => requirement ("," requirement)*       as kubectl's -l (k8s.io/apimachinery/pkg/labels)
// requirement => key | "!" key | key ("=" | "==" | "!=") value | key ("in" | "notin") "(" value ("," value)* ")"

/** What a selector of kubectl means for the labels of one end of a flow. hubble's `k8s:` before a key is passed over. */
export function labelFilter(end: "src" | "dst", text: string): Filter {
  const terms = text.split(/,(?![^(]*\))/).map((part) => requirement(`${end}.labels`, part.trim(), text));
  return allOf(terms) as Filter;
}

const key = "(?:k8s:)?([A-Za-z0-9][-A-Za-z0-9_./]*)";
const exists = new RegExp(`^(!?)\\s*${key}$`);
const equals = new RegExp(`^${key}\\s*(==?|!=)\\s*([-A-Za-z0-9_.]*)$`);
const isIn = new RegExp(`^${key}\\s+(in|notin)\\s*\\(([-A-Za-z0-9_.,\\s]*)\\)$`);

function requirement(field: "src.labels" | "dst.labels", part: string, whole: string): Filter {
  const [, absent, only] = exists.exec(part) ?? [];
  if (only !== undefined) return negatedIf(absent === "!", test(field, "exists", [], only));
  const [, left, sign, right] = equals.exec(part) ?? [];
  if (left !== undefined) return negatedIf(sign === "!=", test(field, "=", [right ?? ""], left));
  const [, name, word, set] = isIn.exec(part) ?? [];
  if (name === undefined || set === undefined)
    throw new SluiceError("FILTER_INVALID", `"${whole}" is no label selector; write app=web,env!=dev,team in (a, b)`);
  const values = set.split(",").map((value) => value.trim());
  return negatedIf(word === "notin", test(field, "=", values, name));
}

const negatedIf = (negated: boolean, filter: Filter): Filter => (negated ? not(filter) : filter);
