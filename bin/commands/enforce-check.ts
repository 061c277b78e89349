import { Command, Option } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { diff } from "../../enforcer/diff.ts";
import { Output } from "../../sinks/live/output.ts";
import { plural } from "../../sinks/live/text.ts";
import { addNodeOptions, type NodeOptions, namespaceOf, nodeConfig, withNft } from "../enforce-options.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { linksIn, type WantedRuleset, wantedRuleset } from "../wanted-ruleset.ts";

const examples = `
A dry run: the whole transaction goes to the kernel, which judges it and throws it away. Nothing changes. Exit code 3: the kernel would refuse it, or a policy says what no rule can express.

Example:
  sluice enforce check policies-new/ --node node-1
${exitCodeHelp}`;

interface Options extends NodeOptions {
  readonly output: "text" | "json";
}

export function enforceCheckCommand(rim: Rim = realRim): Command {
  const command = new Command("check")
    .description("whether this machine's kernel accepts the rules of a folder; changes nothing")
    .argument("<folder>", "folder of manifests")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .addHelpText("after", examples);
  return addNodeOptions(command).action(async (folder: string, options: Options) => {
    const config = nodeConfig(options, rim);
    const namespace = namespaceOf(options);
    await withNft(config, async (access) => {
      const links = await linksIn(namespace);
      const wanted = await wantedRuleset({ folder, node: options.node ?? config.node.name, config, links }, rim);
      const started = rim.clock.monotonic();
      const refused = await refusalOf(() => access.in(namespace).check(diff(undefined, wanted.ruleset)));
      const answer = { refused, ms: Math.round(rim.clock.monotonic() - started) };
      const text = options.output === "json" ? objectText(wanted, answer) : answerText(wanted, answer);
      await new Output(rim.stdout).write(text);
      rim.exit(refused === null && wanted.problems.length === 0 ? exitCodes.done : exitCodes.finding);
    });
  });
}

interface Answer {
  readonly refused: { readonly message: string; readonly command: string | null } | null;
  readonly ms: number;
}

/** What the kernel says no to; anything else that goes wrong is thrown. */
async function refusalOf(check: () => Promise<void>): Promise<Answer["refused"]> {
  try {
    await check();
    return null;
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== "NFT_FAILED") throw thrown;
    const { command } = thrown.context;
    return { message: thrown.message, command: command === undefined ? null : String(command) };
  }
}

function answerText(wanted: WantedRuleset, { refused, ms }: Answer): string {
  const { chains, sets } = wanted.ruleset;
  const rules = [...chains.values()].reduce((count, chain) => count + chain.rules.length, 0);
  const what = `${plural(rules, "rule")} in ${plural(chains.size, "chain")}, ${plural(sets.size, "set")}`;
  const where = `node ${wanted.node}, policy revision ${wanted.program.revision}`;
  if (refused !== null)
    return `✗ the kernel refuses the rules of ${where}: ${refused.message}\n  ${refused.command ?? ""}\n`;
  return `✓ the kernel accepts the rules of ${where}: ${what}, checked in ${ms} ms; nothing was changed\n`;
}

function objectText({ node, program, problems }: WantedRuleset, { refused, ms }: Answer): string {
  const answer = { type: "check", node, revision: program.revision, accepted: refused === null, refused, problems, ms };
  return `${JSON.stringify(answer, null, 2)}\n`;
}
