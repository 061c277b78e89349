import { parseArgs } from "node:util";
import { systemClock } from "../../core/clock.ts";
import { developmentFolder, servicesIn } from "../../scripts/services/places.ts";
import { chaos } from "./chaos.ts";
import { isBalanced, ledgerText } from "./ledger.ts";

// npm run chaos -- [--minutes N] [--seed S] [--rate R]

const usage = `usage: npm run chaos -- [--minutes N] [--seed S] [--rate R]

Steady traffic on two nodes (R connections a second each, 100 by default) through collectors, Kafka, enrichers and sinks into Elasticsearch and the
archive, for N minutes (5 by default), while processes are killed, frozen and restarted, the broker and Elasticsearch are killed, Elasticsearch turns
requests away, connections are cut and disks are full; in an order that the seed decides. At the end every connection must be in both stores once,
or a loss record must say that it is not. Prints the ledger. Needs root. Exit code 0: balanced, 1: not, 2: no such flag.`;

async function main(): Promise<number> {
  const { minutes, seed, rate, help } = parseArgs({
    options: {
      minutes: { type: "string", default: "5" },
      seed: { type: "string", default: String(Math.floor(systemClock.now()) % 1_000_000) },
      rate: { type: "string", default: "100" },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
  const numbers = [minutes, seed, rate].map(Number);
  if (help || numbers.some((number) => !(number > 0))) {
    console.log(usage);
    return help ? 0 : 2;
  }
  console.log(`seed ${seed}`);
  const services = servicesIn(`${developmentFolder}-chaos-${process.pid}`);
  const options = { services, durationMs: Number(minutes) * 60_000, seed: Number(seed), rate: Number(rate) };
  const { accounts, gaveUp, indices } = await chaos({ ...options, say: (line) => console.log(line) });
  console.log(`\n${ledgerText(accounts)}\n`);
  console.log(`indices of flows: ${indices}`);
  for (const [name, times] of gaveUp) if (times > 0) console.log(`${name} ended ${times} times by itself`);
  for (const { node, store, missing, twice } of accounts)
    for (const [what, some] of [
      ["missing", missing],
      ["twice", twice],
    ] as const)
      if (some.length > 0)
        console.log(
          `${node}, ${store}, ${what}: ${some
            .slice(0, 5)
            .map((one) => JSON.stringify(one))
            .join(" ")}`,
        );
  return accounts.every(isBalanced) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(thrown instanceof TypeError ? `${thrown.message}\n\n${usage}` : thrown);
  process.exitCode = thrown instanceof TypeError ? 2 : 1;
}
