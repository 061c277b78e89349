import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { jdkOf, lacksJava, quickStart, resolveJars } from "./java.ts";
import { freePort, launch, runToEnd, untilReady } from "./processes.ts";
import type { LocalService } from "./service.ts";

/**
 * A schema registry: Apicurio from Maven Central, which speaks the API of Confluent's as well (Confluent's own is published elsewhere). It keeps its
 * schemas in memory. 160 MB to fetch, so `npm run services -- up` starts it only when it is named.
 */
export const registry: LocalService = {
  name: "registry",
  lacks: () => lacksJava(21),
  async start({ cache, data, port, settings }) {
    const app = join(cache, "registry");
    resolveJars(app, join(import.meta.dirname, "registry", "pom.xml"), [], unpack);
    mkdirSync(data, { recursive: true });
    const output = join(data, "out.log");
    const options = [
      "-Xmx384m",
      ...quickStart,
      "-Dquarkus.http.host=127.0.0.1",
      `-Dquarkus.http.port=${port}`,
      `-Dquarkus.management.port=${await freePort()}`,
      "-Dapicurio.storage.kind=sql",
      "-Dapicurio.storage.sql.kind=h2",
      ...settings.map((setting) => `-D${setting}`),
    ];
    const child = launch(join(jdkOf(21) as string, "java"), [...options, "-jar", join(app, "quarkus-run.jar")], output);
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
    return { ...(await untilReady(child, output, () => isThere(url))), env: { SCHEMA_REGISTRY_URL: url } };
  },
};

function unpack(folder: string): void {
  const lib = join(folder, "lib");
  const [archive] = readdirSync(lib).filter((name) => name.endsWith(".tar.gz"));
  if (archive === undefined) throw new Error(`${lib} has no archive of the registry`);
  runToEnd("tar", ["xzf", join(lib, archive), "-C", folder]);
  rmSync(join(lib, archive));
}

async function isThere(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2_000) });
  return answer.ok;
}
