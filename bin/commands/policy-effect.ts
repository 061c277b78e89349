import { Command, InvalidArgumentError, Option } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { effectOf } from "../../policy/effect.ts";
import { effectText } from "../../policy/effect-text.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import { Output } from "../../sinks/live/output.ts";
import { readCompared, sharedOption, situationOf, withoutControls } from "../compared.ts";
import { effectObject } from "../effect-object.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { documentText } from "../formats/document.ts";
import { podToHostOption } from "../pod-to-host-option.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
BEFORE and AFTER are folders or files of Kubernetes YAML: policies and tiers, and the pods, namespaces and nodes that they are about, which
may also stand apart (--objects). The answer is exact, over all pods, all addresses outside, all protocols and ports; it is about new
connections. Ends with 3 if any connection is decided otherwise than before; where none is, it says which policies decide now.

Examples:
  sluice policy effect policies-main/ policies-branch/ --objects cluster.yaml
  sluice policy effect lab/demo --without security.payments
  sluice policy effect lab/demo --without security.dev-not-to-prod --without security.prod-not-from-dev
  sluice policy effect before/ after/ -o json | jq '.changes[] | select(.kind == "opens")'
${exitCodeHelp}`;

interface Options extends ProgramSettings {
  readonly objects?: string;
  readonly without?: readonly string[];
  readonly limit: number;
  readonly output: "table" | "json" | "yaml";
}

export function policyEffectCommand(rim: Rim = realRim): Command {
  return new Command("effect")
    .description("what a change of policies opens and closes: who can reach whom that could not, and the reverse")
    .argument("<before>", "folder or file of manifests")
    .argument("[after]", "the same after the change; may be left out with --without")
    .option("--without <policy>", "as if this policy or tier were deleted; may be given several times", collect)
    .addOption(sharedOption())
    .addOption(podToHostOption())
    .addOption(
      new Option("--limit <number>", "so many changes are told, the widest first").default(20).argParser(limitOf),
    )
    .addOption(new Option("-o, --output <format>", "how to print").choices(["table", "json", "yaml"]).default("table"))
    .addHelpText("after", examples)
    .action(
      async (before: string, after: string | undefined, { objects, without, limit, output, podToHost }: Options) => {
        if (after === undefined && without === undefined)
          throw new SluiceError(
            "USAGE",
            "give what to compare with: a second folder, or --without and the name of a policy",
          );
        const compared = await readCompared(before, after ?? before, objects, rim);
        const settings = { podToHost };
        const changed = withoutControls(compared.after, without ?? []);
        const effect = effectOf(situationOf(compared.before, settings), situationOf(changed, settings), { limit });
        const text = output === "table" ? effectText(effect) : documentText(effectObject(effect), output);
        await new Output(rim.stdout).write(text);
        rim.exit(effect.changes.length > 0 ? exitCodes.finding : exitCodes.done);
      },
    );
}

function collect(name: string, others: readonly string[] = []): readonly string[] {
  return [...others, name];
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > 100_000)
    throw new InvalidArgumentError("A number from 1 to 100000 is needed.");
  return limit;
}
