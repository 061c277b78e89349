import { Command } from "commander";
import { applyAcls } from "../../core/bus-kafka/acls.ts";
import type { Config } from "../../core/config.ts";
import { SluiceError } from "../../core/errors.ts";
import { stderrLog } from "../../core/log.ts";
import { connectionOf } from "../bus/connection.ts";
import { asking, requireBus } from "../bus/open-bus.ts";
import { printItems } from "../bus/print-items.ts";
import { aclsOf, isNamed, type RoleName, roleNames } from "../bus/roles.ts";
import { choiceOption } from "../choice.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { aclShape } from "../formats/acl-shape.ts";
import { addSettings, configOf } from "../options.ts";
import { addOutputOptions, type OutputOptions } from "../record-options.ts";
import type { Rim } from "../rim.ts";
import { notTheBus } from "./bus-topics.ts";

const examples = `
The rights that each process needs, where topics are made by \`sluice bus topics --apply\` and bus.manage-topics is false. With --apply they are given to
a principal, as Kafka writes it; what it has already stays.

Examples:
  sluice bus acls
  sluice bus acls --role collector --principal User:collector --apply --bus.brokers kafka-0:9092
  sluice bus acls --role syslog --group audit --principal User:siem --apply --bus.brokers kafka-0:9092
${exitCodeHelp}`;

interface Options extends OutputOptions {
  readonly apply: boolean;
  readonly role?: RoleName;
  readonly principal?: string;
  readonly group?: string;
}

export function busAclsCommand(rim: Rim): Command {
  const command = new Command("acls")
    .description("which rights of Kafka each process needs; --apply gives them")
    .addOption(choiceOption("--role <role>", "of one kind of process only", roleNames))
    .option("--principal <name>", "who is given the rights, e.g. User:collector")
    .option("--group <name>", "of consumers, for a sink syslog or file that was given one")
    .option("--apply", "give them", false)
    .addHelpText("after", examples);
  addOutputOptions(command);
  return addSettings(command, { decided: notTheBus }).action(
    async ({ apply, role, principal, group, ...options }: Options) => {
      const config = configOf({ ...options }, rim.env);
      if (group !== undefined && (role === undefined || !isNamed(role)))
        throw new SluiceError("USAGE", `--group goes with --role ${roleNames.filter(isNamed).join(" or ")} only`);
      const names = role === undefined ? roleNames : [role];
      const all = names.flatMap((name) => aclsOf(config, name, group).map((acl) => ({ role: name, ...acl })));
      if (apply) await give(config, role, principal, group);
      await printItems(all, aclShape, options, rim);
    },
  );
}

async function give(config: Config, role?: RoleName, principal?: string, group?: string): Promise<void> {
  requireBus(config);
  if (role === undefined || principal === undefined)
    throw new SluiceError("USAGE", "--apply needs --role and --principal: one kind of process, and who it is");
  if (!/^[A-Za-z]+:.+$/.test(principal))
    throw new SluiceError("USAGE", `--principal ${principal}: write it as Kafka does, e.g. User:collector`);
  const log = stderrLog(config.log.level);
  await asking(config, () => applyAcls(connectionOf(config), principal, aclsOf(config, role, group), log));
}
