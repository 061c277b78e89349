// Brings what deploy/kibana holds into a Kibana, and says whether it is there: node scripts/kibana-import.ts [--rules] [--roles]
//
// KIBANA_URL (http://127.0.0.1:5601), KIBANA_SPACE (the default one), and KIBANA_API_KEY or KIBANA_USER with KIBANA_PASSWORD. What is there by the same ids
// is overwritten. --rules makes the examples of alerts that are not there yet, switched off; --roles space and roles, which needs a Kibana with security.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { importObjects, Kibana, putRoles, putRules } from "./kibana/api.ts";

const folder = join(import.meta.dirname, "..", "deploy", "kibana");
const read = (name: string) => readFileSync(join(folder, name), "utf8");

try {
  const kibana = Kibana.of(process.env);
  if (process.argv.includes("--roles")) console.log(await putRoles(kibana, read("space.json"), read("roles.json")));
  console.log(await importObjects(kibana, read("sluice.ndjson")));
  if (process.argv.includes("--rules")) console.log(await putRules(kibana, read("rules.json")));
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 1;
}
