import { type Field, type FieldName, fields } from "../core/filter/fields.ts";
import { fieldPlaces } from "./field-places.ts";

const grammar = `
A filter is asked by \`sluice flows --filter\`, \`pairs\`, \`top\` and wherever flows are chosen:

\`\`\`
verdict = deny and dst.ns in (payments, cards) and dst.port = 5432 and not src.labels.app = prometheus
\`\`\`

\`\`\`text
filter     => and (OR and)*
and        => unary (AND unary)*
unary      => (NOT | "!") unary | "(" filter ")" | test
test       => EXISTS "(" field ")" | field comparator value | field [NOT] IN "(" value ("," value)* ")"
comparator => = | != | < | <= | > | >= | ~ | !~
\`\`\`

- A test holds if any value of the field compares with any of the values written; \`!=\`, \`!~\` and \`not in\` are the contrary of
  that, so they hold where the field has no value.
- \`~\` is a pattern: \`*\` is any text, \`?\` one character. After \`in\`, values with \`*\` or \`?\` are patterns too.
- Values with white space or signs stand in quotes, \`"\` or \`'\`. Words of the grammar are taken in any case.
- Labels: \`src.labels.app = web\`, \`src.labels["app.kubernetes.io/name"] = web\`, \`exists(src.labels.team)\`.
- Addresses compare with addresses and CIDRs. Numbers may have a unit: \`10k\`, \`5M\` (thousands), \`2Gi\` (1024).
- Times: \`2026-11-23T10:00:00Z\`, \`2026-11-23T10:00\` (UTC), \`-15m\`, \`now-1h\`.
- Words of Calico's GlobalAlert are understood: \`NOTIN\`, \`{a, "b*"}\`, quoted names of fields. So are \`&&\`, \`||\`, \`==\`, \`has(…)\`.`;

/** docs/reference/fields.md */
export function fieldsDocument(): string {
  return [
    "<!-- Generated from core/filter/fields.ts by scripts/generate-docs.ts; do not edit. -->",
    "# Fields and filters",
    grammar,
    "",
    "The last column is the place in [flow.avsc](../../core/records/flow.avsc), which is what `-o json` and `-o jsonl` print. Which",
    "policy decided is told there by `enforced`: the path through tiers, a step each as `index|tier|kind:namespace/name|action|rule`,",
    "egress then ingress; the last step of a direction decided.",
    "",
    "| field | type | also | values | meaning | in flow.avsc |",
    "|---|---|---|---|---|---|",
    ...(Object.keys(fields) as FieldName[]).map(rowOf),
    "",
  ].join("\n");
}

function rowOf(name: FieldName): string {
  const { type, aliases = [], values = [], description }: Field = fields[name];
  const code = (texts: readonly string[]) => texts.map((text) => `\`${text}\``).join(", ");
  return `| \`${name}\` | ${type} | ${code(aliases)} | ${code(values)} | ${description} | ${fieldPlaces[name]} |`;
}
