import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Argument, Command, Option } from "commander";
import { systemClock } from "../core/clock.ts";
import { composeDown, composeStatus, composeUp, dockerEnv, hasDocker } from "./services/docker.ts";
import { envText, serviceNames } from "./services/local.ts";
import { developmentFolder, servicesIn } from "./services/places.ts";
import type { ServiceName } from "./services/service.ts";

// Real Kafka, Elasticsearch and Redis for development and tests: npm run services -- up|down|status [kafka elasticsearch redis registry]

type Mode = "docker" | "local";

const services = servicesIn(developmentFolder);
const envFile = join(developmentFolder, "env");
const ports: Readonly<Record<ServiceName, string>> = {
  kafka: "KAFKA_PORT",
  elasticsearch: "SEARCH_PORT",
  redis: "REDIS_PORT",
  registry: "SCHEMA_REGISTRY_PORT",
};
/** Those that most work needs; the others are started by name. */
const usual = serviceNames.filter((name) => name !== "registry");

async function up(names: readonly ServiceName[], { mode, keep }: { readonly mode?: Mode; readonly keep?: boolean }) {
  if (isDocker(mode)) {
    composeUp(names);
    mkdirSync(developmentFolder, { recursive: true });
    writeFileSync(envFile, envText([{ env: dockerEnv(process.env) }]));
  } else for (const name of names) await upHere(name, keep === true);
  console.log(`addresses: ${envFile}`);
}

async function upHere(name: ServiceName, keep: boolean): Promise<void> {
  const [begin, port] = [systemClock.monotonic(), process.env[ports[name]]];
  const env = await services.up(name, { keep, ...(port === undefined ? {} : { port: Number(port) }) });
  const where = Object.entries(env).map(([variable, value]) => `${variable}=${value}`);
  console.log(`${name}: up after ${((systemClock.monotonic() - begin) / 1000).toFixed(1)} s, ${where.join(" ")}`);
}

async function down(names: readonly ServiceName[], { mode }: { readonly mode?: Mode }): Promise<void> {
  if (isDocker(mode)) composeDown();
  else if (names.length >= usual.length) await services.remove();
  else for (const name of names) await services.down(name);
  if (names.length >= usual.length) rmSync(envFile, { force: true });
}

function status(_: readonly ServiceName[], { mode }: { readonly mode?: Mode }): void {
  if (isDocker(mode)) {
    composeStatus();
    return;
  }
  const running = services.running();
  for (const { name, started, mebibytes } of running)
    console.log(`${name}: process ${started.pid}, ${mebibytes} MiB, ${envText([started]).trim()}`);
  for (const name of serviceNames) if (!running.some((one) => one.name === name)) console.log(`${name}: not running`);
}

/** Docker where an engine answers. What runs here already stays here. */
function isDocker(mode: Mode | undefined): boolean {
  return mode === undefined ? services.running().length === 0 && hasDocker() : mode === "docker";
}

const program = new Command("npm run services --").description(
  "Kafka, Elasticsearch and Redis for development and tests: by docker compose where a docker engine answers, else as processes from Maven's jars and redis-server. KAFKA_PORT, SEARCH_PORT and REDIS_PORT fix ports, SERVICES_JAVA_HOME names a JDK.",
);
for (const [name, summary, action] of [
  ["up", "start them, and wait until they answer", up],
  ["down", "stop them and delete their data", down],
  ["status", "what runs, where, and how much memory it takes", status],
] as const)
  program
    .command(name)
    .summary(summary)
    .addArgument(new Argument("[service...]").choices(serviceNames).default(usual))
    .addOption(new Option("--mode <mode>", "instead of what is there").choices(["docker", "local"]))
    .option("--keep", "go on with the data of an earlier run (local mode)")
    .action(action);

try {
  await program.parseAsync();
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : String(cause));
  process.exitCode = 1;
}
