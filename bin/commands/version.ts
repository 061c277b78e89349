import { readFileSync } from "node:fs";
import { release } from "node:os";
import { Command } from "commander";

export function versionCommand(): Command {
  return new Command("version").description("print the version of Sluice, Node and the kernel").action(() => {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    const { version } = JSON.parse(text) as { version: string };
    process.stdout.write(`sluice ${version}\nnode ${process.versions.node}\nlinux ${release()}\n`);
  });
}
