import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { jdkOf, lacksJava, quickStart, resolveJars } from "./java.ts";
import { freePort, launch, runToEnd, untilReady } from "./processes.ts";
import type { LocalService, ServiceUser } from "./service.ts";

const sources = join(import.meta.dirname, "kafka");
const log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn";
const clusterId = "AAAAAAAAAAAAAAAAAAAAAQ";

/** One node of Kafka, broker and controller in one process (KRaft), from the jars of Maven Central. */
export const kafka: LocalService = {
  name: "kafka",
  lacks: () => lacksJava(17),
  async start({ cache, data, port, settings, users }) {
    const app = join(cache, "kafka");
    resolveJars(app, join(sources, "pom.xml"), [], () => {});
    mkdirSync(data, { recursive: true });
    const java = join(jdkOf(17) as string, "java");
    const properties = join(data, "server.properties");
    const values = { PORT: port, CONTROLLER_PORT: await freePort(), DATA: join(data, "log") };
    writeFileSync(properties, propertiesText(values, settings));
    const jars = ["-cp", join(app, "lib", "*")];
    if (!existsSync(join(values.DATA, "meta.properties"))) {
      const format = ["kafka.tools.StorageTool", "format", "-t", clusterId, "-c", properties, ...scram(users)];
      runToEnd(java, ["-Xmx128m", ...quickStart, log, ...jars, ...format]);
    }
    const output = join(data, "out.log");
    const memory = ["-Xms256m", "-Xmx256m"];
    const child = launch(java, [...memory, ...quickStart, log, ...jars, "kafka.Kafka", properties], output);
    return { ...(await untilReady(child, output, () => answers(port))), env: { KAFKA_BROKERS: `127.0.0.1:${port}` } };
  },
};

/** Settings come last: of a name that stands twice Kafka takes the last. */
function propertiesText(values: Readonly<Record<string, string | number>>, settings: readonly string[]): string {
  const text = readFileSync(join(sources, "server.properties"), "utf8");
  return [text, ...settings, ""].join("\n").replace(/@(\w+)@/g, (_, name: string) => String(values[name]));
}

function scram(users: readonly ServiceUser[]): readonly string[] {
  const mechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-512"];
  return users.flatMap(({ name, password }) =>
    mechanisms.flatMap((mechanism) => ["--add-scram", `${mechanism}=[name=${name},password=${password}]`]),
  );
}

/** The port is open before the broker answers, so one request is made: ApiVersions version 0 (Kafka's protocol guide). */
const apiVersions = Buffer.concat([Buffer.from("0000000f00120000000000010005", "hex"), Buffer.from("ready")]);

function answers(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(apiVersions));
    socket.setTimeout(1000, () => socket.destroy(new Error("no answer")));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", reject).once("close", () => resolve(false));
  });
}
