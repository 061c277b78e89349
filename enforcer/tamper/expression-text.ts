// expression => [statement*]       libnftables-json(5); what is not known here is printed as the JSON it is

const longest = 200;

/** The statements of a rule, nearly as nft writes them: `ip saddr 10.0.0.0/8 tcp dport 80 notrack`. */
export function expressionText(statements: readonly unknown[]): string {
  const text = statements
    .map(statementText)
    .filter((part) => part !== "")
    .join(" ");
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function statementText(statement: unknown): string {
  const [[name, value] = ["", null]] = Object.entries(statement ?? {});
  switch (name) {
    case "match":
      return matchText(value);
    case "counter":
      return "";
    case "jump":
    case "goto":
      return `${name} ${String(part(value, "target"))}`;
    case "mangle":
      return `${valueText(part(value, "key"))} set ${valueText(part(value, "value"))}`;
    case "flow":
      return `flow ${String(part(value, "op"))} ${String(part(value, "flowtable"))}`;
    case "fwd":
      return `fwd to ${valueText(part(value, "dev"))}`;
    case "vmap":
      return `${valueText(part(value, "key"))} vmap ${valueText(part(value, "data"))}`;
    case "reject":
      return "reject";
  }
  return value === null ? name : `${name} ${JSON.stringify(value)}`;
}

function matchText(match: unknown): string {
  const op = part(match, "op");
  const sign = op === "==" || op === "in" ? "" : `${String(op)} `;
  return `${valueText(part(match, "left"))} ${sign}${valueText(part(match, "right"))}`;
}

function valueText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  const [[name, inner] = ["", null]] = Object.entries(value);
  switch (name) {
    case "payload":
      return `${String(part(inner, "protocol"))} ${String(part(inner, "field"))}`;
    case "meta":
      return String(part(inner, "key"));
    case "ct":
      return `ct ${String(part(inner, "key"))}`;
    case "prefix":
      return `${valueText(part(inner, "addr"))}/${String(part(inner, "len"))}`;
    case "range":
      return Array.isArray(inner) ? inner.map(valueText).join("-") : JSON.stringify(inner);
    case "set":
      return `{ ${Array.isArray(inner) ? inner.map(elementText).join(", ") : valueText(inner)} }`;
  }
  return JSON.stringify(value);
}

function elementText(element: unknown): string {
  if (!Array.isArray(element)) return valueText(element);
  return `${valueText(element[0])} : ${statementText(element[1])}`;
}

function part(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
