import { release } from "node:os";
import { Command } from "commander";
import { sluiceVersion } from "../version.ts";

export function versionCommand(): Command {
  return new Command("version").description("print the version of Sluice, Node and the kernel").action(() => {
    process.stdout.write(`sluice ${sluiceVersion()}\nnode ${process.versions.node}\nlinux ${release()}\n`);
  });
}
