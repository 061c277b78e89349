import { aclsOf, roleNames, roles } from "../bin/bus/roles.ts";
import type { Acl } from "../core/bus-kafka/acls.ts";
import { parseConfig } from "../core/config.ts";

/** docs/reference/bus-rights.md */
export function rightsDocument(): string {
  const config = parseConfig({});
  return [
    "<!-- Generated from bin/bus/roles.ts by scripts/generate-docs.ts; do not edit. -->",
    "# Rights on Kafka",
    "",
    "What each process must be allowed where brokers deny what no rule allows (StandardAuthorizer), topics are made by `sluice bus topics --apply`, and",
    "`bus.manage-topics` is false elsewhere. `sluice bus acls --role ROLE --principal User:NAME --apply` gives it. Names that end with `*` are prefixed rules;",
    "all begin with `bus.prefix`. Read and Write imply Describe; an idempotent producer needs no right of its own since Kafka 2.8.",
    ...roleNames.flatMap((name) => [
      "",
      `## ${name}`,
      "",
      `${roles[name].about}.`,
      "",
      "| resource | name | operations |",
      "|---|---|---|",
      ...aclsOf(config, name).map(rowOf),
    ]),
    "",
  ].join("\n");
}

function rowOf({ resource, name, pattern, operations }: Acl): string {
  return `| ${resource} | \`${name}${pattern === "prefixed" ? "*" : ""}\` | ${operations.join(", ")} |`;
}
