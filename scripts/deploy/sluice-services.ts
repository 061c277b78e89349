import type { Command } from "commander";
import { sluiceProgram } from "../../bin/program.ts";
import { parseConfig, settings } from "../../core/config.ts";
import { messageOf } from "../../core/errors.ts";
import type { ComposeFile, ComposeService } from "./compose.ts";

/** What is wrong with those services of a compose file that are ours: commands, settings, rights. */
export function serviceFaults({ services }: ComposeFile, image: ReadonlySet<string>): readonly string[] {
  return Object.entries(services)
    .filter(([, { build }]) => build !== undefined)
    .flatMap(([name, service]) =>
      [...startFaults(service, image), ...rightFaults(service)].map((fault) => `${name}: ${fault}`),
    );
}

function startFaults(service: ComposeService, image: ReadonlySet<string>): readonly string[] {
  if (service.entrypoint === undefined) return commandFaults(service);
  const files = service.entrypoint.filter((word) => word.startsWith("/opt/sluice/")).map((word) => word.slice(12));
  return files.filter((file) => !image.has(file)).map((file) => `the image has no ${file}`);
}

/** What is wrong with how a container of ours is begun: its words, and the variables of its environment. */
export function commandFaults({
  command = [],
  environment = {},
}: Pick<ComposeService, "command" | "environment">): readonly string[] {
  const found = commandOf(sluiceProgram(), command);
  if (typeof found === "string") return [found];
  const ours = Object.keys(environment).filter((variable) => variable.startsWith("SLUICE_"));
  const unknown = ours.flatMap((variable) => settingFault(found, variable) ?? []);
  if (unknown.length > 0) return unknown;
  try {
    parseConfig({ env: Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, String(value)])) });
    return [];
  } catch (thrown) {
    return [messageOf(thrown)];
  }
}

/** The command of these words, or what is wrong with them. */
function commandOf(from: Command, words: readonly string[]): Command | string {
  const [word, ...rest] = words;
  if (word === undefined) return from.commands.length === 0 ? from : `the command ${from.name()} needs another word`;
  if (word.startsWith("-")) {
    const lacks = words.filter(
      (one) => one.startsWith("-") && !from.options.some(({ long, short }) => one === long || one === short),
    );
    return lacks.length === 0 ? from : `${from.name()} has no option ${lacks.join(", ")}`;
  }
  const next = from.commands.find((command) => command.name() === word);
  return next === undefined ? `there is no command ${word}` : commandOf(next, rest);
}

function settingFault(command: Command, variable: string): string | undefined {
  const setting = settings.find((one) => one.variable === variable);
  if (setting === undefined) return `${variable} is no setting`;
  return command.options.some(({ long }) => long === setting.flag)
    ? undefined
    : `${command.name()} does not ask for ${variable}`;
}

function rightFaults({
  read_only,
  cap_drop = [],
  cap_add = [],
  user,
  network_mode,
}: ComposeService): readonly string[] {
  const isOfNode = network_mode === "host";
  const allowed = isOfNode ? ["NET_ADMIN", "SYS_ADMIN"] : [];
  return [
    ...(read_only === true ? [] : ["its root file system can be written"]),
    ...(cap_drop.includes("ALL") ? [] : ["it keeps capabilities"]),
    ...cap_add.filter((capability) => !allowed.includes(capability)).map((capability) => `it needs no ${capability}`),
    ...(user === undefined || isOfNode ? [] : [`it has no need to run as ${user}`]),
  ];
}
