import { rolesJson, spaceJson } from "./roles.ts";
import { rulesJson } from "./rules.ts";
import { kibanaNdjson } from "./saved-objects.ts";

/** What deploy/kibana holds, made from the description in content.ts. */
export const kibanaFiles = (): Readonly<Record<string, string>> => ({
  "deploy/kibana/sluice.ndjson": kibanaNdjson(),
  "deploy/kibana/rules.json": rulesJson(),
  "deploy/kibana/roles.json": rolesJson(),
  "deploy/kibana/space.json": spaceJson(),
});
