import { Command, Option } from "commander";
import type { ChangeRecord } from "../../core/records/change.ts";
import { choiceOption } from "../choice.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { changeShape } from "../formats/change-shape.ts";
import { momentParser } from "../moment.ts";
import { printAll } from "../print-all.ts";
import { addStoreOptions, type RecordOptions } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";
import { changesShowCommand } from "./changes-show.ts";

const examples = `
Of kind tamper: rules in a node's kernel were changed by another process than Sluice (docs/tamper.md). Each is a span, from the
last moment at which the rules were surely as wanted until they were so again. Of kind rollout: break-glass, and policies that were
confirmed, accepted, held back or withdrawn (docs/rollout.md). Of kind retention: records that were deleted because their
time was over. Of kind control: policies, tiers, labels that policies ask about, roles and whatever else decides what is protected
(docs/change-log.md), with what connections each change opened and closed.

Examples:
  sluice changes --since 7d                               what was changed, by whom, and what became of it
  sluice changes --node node-1 --program nft -o wide      with the rules that were taken away or added
  sluice changes --since 1d -o jsonl | jq -r '.diff[]'
  sluice changes --kind control --namespace prod --since 7d
  sluice changes --unauthorised -o wide                   with the reasons
  sluice changes show 1f0c22                              all of one
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly since?: number;
  readonly until?: number;
  readonly node?: string;
  readonly kind?: ChangeRecord["kind"];
  readonly program?: string;
  readonly user?: string;
  readonly object?: string;
  readonly namespace?: string;
  readonly verb?: string;
  readonly unauthorised?: true;
}

export function changesCommand(rim: Rim = realRim): Command {
  const moment = momentParser(rim.clock);
  const command = new Command("changes")
    .description("who changed what protects the cluster, and what was done about it")
    .option("--since <time>", "from then on: 5m (ago), now-1h, 2026-11-23T10:00 (UTC); default 24h", moment)
    .option("--until <time>", "up to then", moment)
    .option("--node <name>", "only of this node")
    .addOption(choiceOption("--kind <kind>", "only of this kind", ["tamper", "rollout", "retention", "control"]))
    .addOption(new Option("--program <name>", "only by this program"))
    .option("--user <name>", "only by this user")
    .option("--object <name>", "only of objects of this name: app.web, prod/app.web, or NetworkPolicy prod/app.web")
    .option("--namespace <name>", "only of objects in this namespace, and of itself")
    .addOption(choiceOption("--verb <verb>", "only such changes of objects", ["create", "update", "delete"]))
    .option("--unauthorised", "only those that nobody was allowed to do (docs/change-log.md)")
    .addCommand(changesShowCommand(rim))
    .addHelpText("after", examples);
  return addStoreOptions(command).action(async (options: Options) => {
    const now = Math.floor(rim.clock.now()) * 1000;
    const span = { since: options.since ?? now - dayUs, until: options.until ?? now + 1 };
    await printAll(
      options,
      rim,
      changeShape,
      async (store) => (await store.changes(span)).filter(wantedBy(options)),
      "nothing was changed in this time",
    );
  });
}

const dayUs = 86_400_000_000;

function wantedBy(options: Options): (change: ChangeRecord) => boolean {
  const { node, kind, program, user, object, namespace, verb, unauthorised } = options;
  return (change) =>
    (node === undefined || change.node === node) &&
    (kind === undefined || change.kind === kind) &&
    (program === undefined || change.actor?.program === program) &&
    (user === undefined || change.actor?.user === user || change.actor?.login === user) &&
    (object === undefined || isOf(change, object)) &&
    (namespace === undefined || isIn(change, namespace)) &&
    (verb === undefined || change.control?.verb === verb) &&
    (unauthorised === undefined || change.control?.authorised === "no");
}

function isOf({ object, control }: ChangeRecord, name: string): boolean {
  return object === name || object.endsWith(` ${name}`) || control?.name === name;
}

function isIn({ control }: ChangeRecord, namespace: string): boolean {
  return control?.namespace === namespace || (control?.kind === "Namespace" && control.name === namespace);
}
