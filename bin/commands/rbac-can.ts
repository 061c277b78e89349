import { Argument, Command } from "commander";
import { type ChangingVerb, changingVerbs, parseTarget } from "../../controls/rbac/needed.ts";
import { SluiceError } from "../../core/errors.ts";
import { accessOf, subjectOf } from "../../core/kube/api/access.ts";
import { choiceOption } from "../choice.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { type FormatName, formatNames } from "../formats/format.ts";
import { printerFor } from "../formats/printer.ts";
import { rbacAnswerShape } from "../formats/rbac-shapes.ts";
import { addKubeOptions, type KubeOptions, openApi } from "../kube-option.ts";
import { rbacAnswer, rbacAnswerText } from "../rbac-answer.ts";
import { recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
POLICY is namespace/name, the name of a GlobalNetworkPolicy, or kind:namespace/name (kinds as in flow records: np, gnp, snp, sgnp, sknp); it need not
exist. Its tier is what its name begins with. The API server is asked, so needs create on subjectaccessreviews; groups of a user must be named, since
it does not know them.

Examples:
  sluice rbac can ann update shop/app.web --group web-team
  sluice rbac can system:serviceaccount:gitops:argo create security.quarantine -o yaml
${exitCodeHelp}`;

interface Options extends KubeOptions {
  readonly group: readonly string[];
  readonly output: "text" | FormatName;
  readonly headers: boolean;
}

export function rbacCanCommand(rim: Rim = realRim): Command {
  const command = new Command("can")
    .description("whether somebody may change a policy and, if not, which grants are missing")
    .argument("<user>", "who, as the API server calls them")
    .addArgument(new Argument("<verb>", "what").choices(changingVerbs))
    .argument("<policy>", "which one")
    .option(
      "--group <name>",
      "a group of the user; may be given again",
      (name, names: string[]) => [...names, name],
      [],
    )
    .addOption(choiceOption("-o, --output <format>", "how to print", ["text", ...formatNames]).default("text"))
    .option("--no-headers", "no header line in tables and CSV")
    .addHelpText("after", examples);
  return addKubeOptions(command).action(async (user: string, verb: ChangingVerb, policy: string, options: Options) => {
    const target = parseTarget(policy);
    if (target === undefined)
      throw new SluiceError(
        "USAGE",
        `"${policy}" is no namespace/name, name of a global policy, or kind:namespace/name`,
      );
    const subject = subjectOf(user, options.group);
    const answer = await rbacAnswer(subject, verb, target, accessOf(openApi(options), subject));
    const out = recordOutput({ headers: options.headers, color: "auto" }, rim);
    if (options.output === "text") await out.output.write(rbacAnswerText(answer));
    else {
      const printer = printerFor(options.output, rbacAnswerShape, out);
      await printer.print([answer]);
      await printer.end();
    }
    if (!answer.allowed) rim.exit(exitCodes.finding);
  });
}
