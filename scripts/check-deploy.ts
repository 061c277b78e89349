// Is what we give people to deploy in order? Nothing of it is started here; each fault is a line.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sluiceVersion } from "../bin/version.ts";
import { workingObjects } from "../deploy/objects/installation.ts";
import { valuesOf } from "../deploy/objects/values.ts";
import { composeFaults, readCompose } from "./deploy/compose.ts";
import { dockerfileFaults, filesOfImage } from "./deploy/dockerfile.ts";
import { plainObjects } from "./deploy/plain-manifests.ts";
import { podFaults } from "./deploy/pods.ts";
import { serviceFaults } from "./deploy/sluice-services.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const checks: Readonly<Record<string, () => readonly string[]>> = {
  "docker-compose.yml": () => {
    const file = readCompose(read("docker-compose.yml"));
    return [...composeFaults(file, root), ...serviceFaults(file, filesOfImage(read("deploy/Dockerfile"), root))];
  },
  "deploy/objects": () => {
    const collecting = workingObjects(valuesOf(sluiceVersion(), { node: { enforcement: false } }), "sluice-system");
    return podFaults([...collecting, ...plainObjects(sluiceVersion()).flatMap(({ objects }) => objects)]);
  },
  "deploy/Dockerfile": () => dockerfileFaults(read("deploy/Dockerfile"), read("deploy/Dockerfile.dockerignore"), root),
};

function faultsOf(check: () => readonly string[]): readonly string[] {
  try {
    return check();
  } catch (thrown) {
    return [thrown instanceof Error ? thrown.message : String(thrown)];
  }
}

const faults = Object.entries(checks).flatMap(([name, check]) => faultsOf(check).map((fault) => `${name}: ${fault}`));
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
