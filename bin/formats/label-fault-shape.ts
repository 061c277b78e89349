import type { Carrier } from "../../policy/taxonomy/carriers.ts";
import type { LabelFault } from "../../policy/taxonomy/coverage.ts";
import type { Shape } from "./format.ts";

export const labelFaultShape: Shape<LabelFault> = {
  objectOf: ({ taxonomy, key, carrier, fault, value, message }) => ({
    type: "labelFault",
    taxonomy,
    key: key.key,
    action: key.action,
    kind: carrier.kind,
    namespace: carrier.namespace,
    name: carrier.name,
    fault,
    value,
    reason: message,
  }),
  nameOf: ({ key, carrier }) => `${carrier.kind} ${pathOf(carrier)} ${key.key}`,
  columns: [
    { header: "action", cell: ({ key }) => key.action, text: ({ key }) => words[key.action] },
    { header: "kind", cell: ({ carrier }) => carrier.kind },
    { header: "name", cell: ({ carrier }) => pathOf(carrier) },
    { header: "key", cell: ({ key }) => key.key },
    { header: "value", cell: ({ value }) => value },
    { header: "reason", cell: ({ message }) => message },
    { header: "taxonomy", cell: ({ taxonomy }) => taxonomy, only: "wide" },
  ],
};

const words: Readonly<Record<LabelFault["key"]["action"], string>> = { deny: "✗ DENY", warn: "! WARN" };

function pathOf({ namespace, name }: Carrier): string {
  return namespace === null ? name : `${namespace}/${name}`;
}
