import { spawnSync } from "node:child_process";

// npm run fuzz -- NAME [FLAG...]: looks for counterexamples at random, as long as one likes; flags go to the program of the name.

const fuzzers: Readonly<Record<string, string>> = {
  agreement:
    "random worlds and packets: the evaluator, the ruleset in memory and the ruleset in the kernel say the same",
  netlink: "messages of the kernel, changed at random: refused, or well-formed records; no crash, no hang",
  dns: "changed DNS packets: each gives a record that can be written and read again, or is refused; nothing takes long",
};

const usage = `usage: npm run fuzz -- NAME [--minutes N] [--seed N] [--replay FILE]

${Object.entries(fuzzers)
  .map(([name, about]) => `  ${name.padEnd(12)}${about}`)
  .join("\n")}

--minutes N    how long to look (1)
--seed N       where to begin; printed, so that a run can be had again
--replay FILE  asks again about a failure that was saved
Exit code 0: nothing found, 1: a counterexample, which is saved, 2: no such name.`;

function main([name, ...flags]: readonly string[]): number {
  if (name === undefined || name === "--help" || name === "-h") {
    console.log(usage);
    return name === undefined ? 2 : 0;
  }
  if (!Object.hasOwn(fuzzers, name)) {
    console.error(`there is nothing of the name "${name}" to look into; there are ${Object.keys(fuzzers).join(", ")}`);
    return 2;
  }
  const program = `${import.meta.dirname}/${name}.fuzz.ts`;
  return spawnSync(process.execPath, [program, ...flags], { stdio: "inherit" }).status ?? 1;
}

process.exitCode = main(process.argv.slice(2));
