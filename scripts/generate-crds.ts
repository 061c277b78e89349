// Writes deploy/crds, one manifest a kind, from the schemas by which policy/kinds reads.
// `--check` writes nothing and fails, naming each manifest that is not what the code says.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { crdOf } from "../policy/crd.ts";
import { customResources } from "../policy/kinds/custom-resources.ts";

const folder = new URL("../deploy/crds/", import.meta.url);
const header = "# Generated from policy/kinds by scripts/generate-crds.ts; do not edit.\n";

const manifests = new Map(
  customResources.map((resource) => [
    `${resource.group}_${resource.plural}.yaml`,
    header + stringify(crdOf(resource), { aliasDuplicateObjects: false, lineWidth: 0 }),
  ]),
);

mkdirSync(folder, { recursive: true });
const present = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
const stale = [...manifests].filter(([file, text]) => !present.includes(file) || read(file) !== text);
const left = present.filter((file) => !manifests.has(file));

if (process.argv.includes("--check")) {
  for (const file of [...stale.map(([name]) => name), ...left])
    console.error(`deploy/crds/${file} is stale: run "npm run docs"`);
  process.exitCode = stale.length + left.length === 0 ? 0 : 1;
} else {
  for (const [file, text] of stale) writeFileSync(new URL(file, folder), text);
  for (const file of left) rmSync(new URL(file, folder));
}

function read(file: string): string {
  return readFileSync(new URL(file, folder), "utf8");
}
