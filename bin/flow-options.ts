import { type Command, Option } from "commander";
import type { Clock } from "../core/clock.ts";
import { SluiceError } from "../core/errors.ts";
import type { FlowQuery } from "../core/flow-store.ts";
import { type FlowFlag, filterOfFlags, flowFlags, type GivenFlag } from "./flow-flags.ts";
import { momentParser } from "./moment.ts";

/** Options that say which flows. */
export interface FlowOptions {
  readonly since?: number;
  readonly until?: number;
  readonly allReports: boolean;
}

/** Told where nothing was found. */
export const noFlows = "no flows match";

/** Clocks of nodes differ a little: what they call now may be later than ours. */
const skewUs = 60_000_000;

/** Adds the flags that look for flows; the result tells, once the command line is read, what was asked. */
export function addFlowOptions(command: Command, clock: Clock): (options: FlowOptions) => FlowQuery {
  const given: GivenFlag[] = [];
  let negated = false;
  const take = (name: string) => (value: string) => {
    given.push({ name, value, negated });
    negated = false;
    return value;
  };
  const moment = momentParser(clock);
  command.optionsGroup("When:");
  command.option("--since <time>", "from then on: 5m (ago), now-1h, 2026-11-23T10:00 (UTC)", moment);
  command.option("--until <time>", "up to then", moment);
  command.optionsGroup("Which flows (of one flag any, of different flags all; commas for several values):");
  for (const flag of flowFlags)
    for (const option of optionsOf(flag)) command.addOption(option.argParser(take(flag.name)));
  command.option("--not", "the next flag's contrary", false);
  command.on("option:not", () => {
    negated = true;
  });
  command.option("--all-reports", "the records of every node, not only the one of each connection to count", false);
  command.addOption(new Option("-A, --all-namespaces", "as it is without -n").hideHelp());
  command.optionsGroup("Options:");
  return ({ since, until, allReports }) => {
    if (negated) throw new SluiceError("USAGE", "--not stands before the flag that it negates, and none follows");
    const nowMs = clock.now();
    const span = { since: since ?? 0, until: until ?? Math.floor(nowMs) * 1000 + skewUs };
    if (span.since >= span.until) throw new SluiceError("USAGE", "--since is not before --until");
    return { ...span, filter: filterOfFlags(given, nowMs), allReports };
  };
}

function optionsOf({
  name,
  short,
  aliases = [],
  value,
  description,
  choices,
  isHidden = false,
}: FlowFlag): readonly Option[] {
  const flags = `${short === undefined ? "" : `-${short}, `}--${name} <${value}>`;
  const words = choices === undefined ? "" : ` (${choices.join(", ")})`;
  const alias = (other: string) => new Option(`--${other} <${value}>`, `as --${name}`).hideHelp();
  return [new Option(flags, lower(description) + words).hideHelp(isHidden), ...aliases.map(alias)];
}

/** `The reporting node.` in a list of options: `the reporting node`. */
function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, "");
}
