import { spawnSync } from "node:child_process";
import { keepCompiled } from "../../bin/compile-cache.ts";

// npm run bench -- NAME [FLAG...]: runs benchmarks by name; flags go to the last program of the name.

interface Bench {
  readonly programs: readonly string[];
  readonly about: string;
}

const benches: Readonly<Record<string, Bench>> = {
  archive: {
    programs: ["spool.bench.ts", "archive.bench.ts"],
    about: "the spool, and what the archive costs to write, keep and ask (--rows 10000000 for 10 hours)",
  },
  collector: {
    programs: ["collector.bench.ts", "collector-kernel.bench.ts"],
    about:
      "conntrack events to records in the spool; beside ulogd2 and conntrack -E, and under load; needs root (--quick)",
  },
  "elasticsearch-read": {
    programs: ["elasticsearch-read.bench.ts"],
    about: "searches, pairs and counts over a million documents, on a real server",
  },
  elasticsearch: {
    programs: ["elasticsearch.bench.ts"],
    about: "flows into a real Elasticsearch, beside a bare HTTP client that posts the same bodies",
  },
  enforcer: {
    programs: ["enforcer-rate.bench.ts", "enforcer-churn.bench.ts", "enforcer.bench.ts"],
    about:
      "2,000 policies and 50,000 pods into the kernel, single changes, new connections, 10,000 changes at once; needs root",
  },
  enrich: {
    programs: ["enrich.bench.ts"],
    about: "who, which Service and which policy, from Avro to Avro, with 20,000 pods and 500 policies",
  },
  kafka: { programs: ["kafka.bench.ts"], about: "records over Kafka, there and back, on a real broker" },
  kube: {
    programs: ["kube.bench.ts"],
    about: "20,000 pods and 2,000 policies from a real API server: time, memory, and after it was killed",
  },
  pipeline: {
    programs: ["pipeline.bench.ts"],
    about: "from a packet to a searchable document, through Kafka and Elasticsearch; needs root (PER_SECOND SECONDS)",
  },
  policy: {
    programs: ["policy.bench.ts", "policy-evaluate.bench.ts", "policy-effect.bench.ts"],
    about: "compile and place 10,000 policies and 100,000 pods, single changes, decisions, the effect of one edit",
  },
  revoke: { programs: ["revoke.bench.ts"], about: "which of 100,000 connections a change forbids (needs root)" },
  spool: { programs: ["spool.bench.ts"], about: "flows appended to the spool, and read back" },
};

const usage = `usage: npm run bench -- NAME [FLAG...]

${Object.entries(benches)
  .map(([name, { about }]) => `  ${name.padEnd(20)}${about}`)
  .join("\n")}

Each program states its method and limits at its top. Exit code 0: within the limits, 1: not, 2: no such name.`;

function main([name, ...flags]: readonly string[]): number {
  if (name === undefined || name === "--help" || name === "-h") {
    console.log(usage);
    return name === undefined ? 2 : 0;
  }
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench === undefined) {
    console.error(`there is no benchmark "${name}"; there are ${Object.keys(benches).join(", ")}`);
    return 2;
  }
  const codes = bench.programs.map((program, at) => run(program, at === bench.programs.length - 1 ? flags : []));
  return codes.every((code) => code === 0) ? 0 : 1;
}

function run(program: string, flags: readonly string[]): number {
  console.log(program);
  const { status } = spawnSync(process.execPath, [`${import.meta.dirname}/${program}`, ...flags], { stdio: "inherit" });
  return status ?? 1;
}

// As sluice does: from the second time on, programs have 35 MB less.
keepCompiled();
process.exitCode = main(process.argv.slice(2));
