import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jdkOf, lacksJava, libraryOf, quickStart, resolveJars } from "./java.ts";
import { freePort, launch, runToEnd, untilReady } from "./processes.ts";
import type { LocalService } from "./service.ts";

const sources = join(import.meta.dirname, "elasticsearch");
const own = ["EsNode.java", "RootPlugin.java", "root-plugin.properties"].map((name) => join(sources, name));

/**
 * One node of Elasticsearch from the jars of Maven Central: the core, without what is published in the distribution only (lifecycle
 * management, ingest processors, scripts, security).
 */
export const elasticsearch: LocalService = {
  name: "elasticsearch",
  lacks: () => lacksJava(21),
  async start({ cache, data, port, settings }) {
    const [app, jdk] = [join(cache, "elasticsearch"), jdkOf(21) as string];
    resolveJars(app, join(sources, "pom.xml"), own, (folder) => complete(folder, jdk));
    const output = join(data, "out.log");
    const options = [
      "-Xms512m",
      "-Xmx512m",
      ...quickStart,
      "--enable-native-access=ALL-UNNAMED",
      `-Des.nativelibs.path=${join(app, "native")}`,
      // Its library is not published; without this one setting its absence turns off zstd as well.
      "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
      "-Dlog4j2.disable.jmx=true",
    ];
    const classes = ["-cp", `${join(app, "classes")}:${join(app, "lib", "*")}`];
    const node = ["EsNode", app, join(data, "data"), String(port), String(await freePort()), ...settings];
    const child = launch(join(jdk, "java"), [...options, ...classes, ...node], output);
    const url = `http://127.0.0.1:${port}`;
    return { ...(await untilReady(child, output, () => isHealthy(url))), env: { ELASTICSEARCH_URL: url } };
  },
};

async function isHealthy(url: string): Promise<boolean> {
  // Not with wait_for_status: asked before there is a cluster state, that hangs.
  const answer = await fetch(`${url}/_cluster/health`, { signal: AbortSignal.timeout(2000) });
  const { status } = (await answer.json()) as { readonly status?: string };
  return status === "green" || status === "yellow";
}

/** Makes a home of the jars: the HTTP transport as a module, our plugin that answers `GET /`, and our main class. */
function complete(folder: string, jdk: string): void {
  for (const name of ["modules/transport-netty4", "modules/local-root", "plugins", "config", "native", "classes"])
    mkdirSync(join(folder, name), { recursive: true });
  const version = makeTransport(folder, jdk);
  const jars = ["-cp", join(folder, "lib", "*")];
  runToEnd(join(jdk, "javac"), ["-nowarn", "-d", join(folder, "classes"), ...jars, join(sources, "EsNode.java")]);
  makeRootPlugin(folder, jdk, version);
  // index.codec best_compression stores with the system's zstd.
  const zstd = libraryOf("libzstd.so.1");
  if (zstd === undefined) console.error("services: there is no libzstd.so.1; index.codec best_compression will fail");
  else symlinkSync(zstd, join(folder, "native", "libzstd.so"));
}

/** Its version. Without the name of its Java module in the descriptor it is loaded from plain jars. */
function makeTransport(folder: string, jdk: string): string {
  const [lib, module] = [join(folder, "lib"), join(folder, "modules", "transport-netty4")];
  for (const jar of readdirSync(lib))
    if (/^(netty-|transport-netty4-)/.test(jar)) renameSync(join(lib, jar), join(module, jar));
  const jar = readdirSync(module).find((name) => name.startsWith("transport-netty4-")) as string;
  const inJar = "META-INF/es-plugins/transport-netty4/plugin-descriptor.properties";
  runToEnd(join(jdk, "jar"), ["xf", join(module, jar), inJar], folder);
  const descriptor = readFileSync(join(folder, inJar), "utf8");
  writeFileSync(join(module, "plugin-descriptor.properties"), descriptor.replace(/^modulename=.*$/m, ""));
  rmSync(join(folder, "META-INF"), { recursive: true });
  return /^elasticsearch\.version=(.*)$/m.exec(descriptor)?.[1] as string;
}

function makeRootPlugin(folder: string, jdk: string, version: string): void {
  const [classes, module] = [join(folder, "root-classes"), join(folder, "modules", "local-root")];
  runToEnd(join(jdk, "javac"), [
    "-nowarn",
    "-d",
    classes,
    "-cp",
    join(folder, "lib", "*"),
    join(sources, "RootPlugin.java"),
  ]);
  runToEnd(join(jdk, "jar"), ["cf", join(module, "local-root.jar"), "-C", classes, "."]);
  const descriptor = readFileSync(join(sources, "root-plugin.properties"), "utf8");
  writeFileSync(join(module, "plugin-descriptor.properties"), descriptor.replace("@ES_VERSION@", version));
}
