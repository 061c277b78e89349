// Writes deploy/kibana from scripts/kibana/content.ts. `--check` writes nothing and fails, naming what is stale, or wrong in itself.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kibanaFiles } from "./kibana/files.ts";
import { exampleFaults } from "./kibana/rules.ts";
import { ndjsonFaults } from "./kibana/validate.ts";

const root = join(import.meta.dirname, "..");
const files = kibanaFiles();

function isStale([path, text]: readonly [string, string]): boolean {
  try {
    return readFileSync(join(root, path), "utf8") !== text;
  } catch {
    return true; // not yet written
  }
}

const stale = Object.entries(files).filter(isStale);
if (process.argv.includes("--check")) {
  const faults = [...ndjsonFaults(files["deploy/kibana/sluice.ndjson"] as string), ...exampleFaults()];
  for (const [path] of stale) console.error(`${path} is stale: run "npm run docs"`);
  for (const fault of faults) console.error(`deploy/kibana: ${fault}`);
  process.exitCode = stale.length + faults.length === 0 ? 0 : 1;
} else {
  mkdirSync(join(root, "deploy/kibana"), { recursive: true });
  for (const [path, text] of stale) writeFileSync(join(root, path), text);
}
