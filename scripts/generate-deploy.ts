// Writes what people deploy with other means than `sluice install`: the Helm chart and plain manifests, from deploy/objects.
// `--check` writes nothing and fails, naming each file that is not what the code says.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sluiceVersion } from "../bin/version.ts";
import { chartFiles } from "./deploy/chart.ts";
import { plainManifests } from "./deploy/plain-manifests.ts";

const folder = join(import.meta.dirname, "..", "deploy");

/** Everything below these is generated; the CRDs of the chart are a link to those beside it. */
const generated = ["chart", "manifests"];
const files = new Map([...chartFiles(sluiceVersion()), ...plainManifests(sluiceVersion())]);

const present = generated.flatMap((part) =>
  filesBelow(join(folder, part)).map((path) => path.slice(folder.length + 1)),
);
const stale = [...files].filter(
  ([path, text]) => !present.includes(path) || readFileSync(join(folder, path), "utf8") !== text,
);
const left = present.filter((path) => !files.has(path));

if (process.argv.includes("--check")) {
  for (const path of [...stale.map(([name]) => name), ...left])
    console.error(`deploy/${path} is stale: run "npm run docs"`);
  process.exitCode = stale.length + left.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const path of left) rmSync(join(folder, path));
}

/** Not behind links: the CRDs are another program's. */
function filesBelow(path: string): readonly string[] {
  mkdirSync(path, { recursive: true });
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const below = join(path, entry.name);
    return entry.isDirectory() ? filesBelow(below) : entry.isFile() ? [below] : [];
  });
}
