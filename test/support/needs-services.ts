import { join } from "node:path";
import { LocalServices } from "../../scripts/services/local.ts";
import { developmentFolder, servicesIn } from "../../scripts/services/places.ts";
import type { ServiceName } from "../../scripts/services/service.ts";

const variables: Readonly<Record<ServiceName, string>> = {
  kafka: "KAFKA_BROKERS",
  elasticsearch: "ELASTICSEARCH_URL",
  redis: "REDIS_URL",
  registry: "SCHEMA_REGISTRY_URL",
};

/** Those of this run of the tests, in a folder of its own; started when a test first needs them. */
const ours = servicesIn(join(developmentFolder, "..", `tests-${process.pid}`));

/**
 * For a describe that works with real services: says where they are. Takes those that the environment names, else those that `npm run services -- up`
 * started, else starts them for this run. Where that cannot be, skips the describe, saying why; fails it there if CI is set.
 */
export function needsServices(...names: readonly ServiceName[]): (name: ServiceName) => string {
  const found = new Map<ServiceName, string>();
  before(async function () {
    this.timeout(180_000); // jars may have to be fetched
    const lacking = names.map(reasonAgainst).find((reason) => reason !== undefined);
    if (lacking !== undefined && process.env["CI"] !== undefined) throw new Error(`${lacking}, and CI is set`);
    if (lacking !== undefined) {
      console.log(`skipped: ${lacking}`);
      this.skip();
    }
    for (const name of names) found.set(name, await addressOf(name));
  });
  return (name) => found.get(name) as string;
}

/** Services of one describe alone, to be killed and started again. */
export function ownServices(name: string): LocalServices {
  return servicesIn(join(developmentFolder, "..", `tests-${process.pid}-${name}`));
}

/** Called once when all tests are over; .mocharc.json names this file. */
export async function mochaGlobalTeardown(): Promise<void> {
  await ours.remove();
}

function reasonAgainst(name: ServiceName): string | undefined {
  return known(name) === undefined ? LocalServices.lacks(name) : undefined;
}

async function addressOf(name: ServiceName): Promise<string> {
  return known(name) ?? ((await ours.up(name))[variables[name]] as string);
}

function known(name: ServiceName): string | undefined {
  const running = servicesIn(developmentFolder).running();
  return process.env[variables[name]] ?? running.find((one) => one.name === name)?.started.env[variables[name]];
}
