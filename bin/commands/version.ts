import { readFileSync } from "node:fs";
import { release } from "node:os";
import { Command } from "commander";

export function versionCommand(): Command {
  return new Command("version").description("print the version of Sluice, Node and the kernel").action(() => {
    process.stdout.write(`sluice ${sluiceVersion()}\nnode ${process.versions.node}\nlinux ${release()}\n`);
  });
}

/** Of the package. */
export function sluiceVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
