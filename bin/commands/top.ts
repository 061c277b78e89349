import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { fields } from "../../core/filter/fields.ts";
import { keyOf, knownNames } from "../../core/filter/key.ts";
import { hint } from "../../core/filter/literal.ts";
import { protocolNames } from "../../core/filter/values.ts";
import { type AccessOptions, addAccessOptions, seenStore } from "../access-options.ts";
import { lastOption, limitOption } from "../count.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addFlowOptions, type FlowOptions, noFlows } from "../flow-options.ts";
import { sinceLast } from "../flow-reading.ts";
import { countShape } from "../formats/summary-shapes.ts";
import { printAll } from "../print-all.ts";
import { addStoreOptions, type RecordOptions } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
FIELD is a field of docs/reference/fields.md, or a label such as src.labels.app.

Examples:
  sluice top policy --since 1h --verdict deny
  sluice top dst.port --since 1d --to-namespace payments --limit 10
  sluice top src.labels.app --since 1h
${exitCodeHelp}`;

interface Options extends FlowOptions, RecordOptions, AccessOptions {
  readonly limit: number;
  readonly last?: number;
}

export function topCommand(rim: Rim = realRim): Command {
  const command = new Command("top")
    .description("the most frequent values of a field, most connections first")
    .argument("<field>", "what to count by");
  const queryOf = addFlowOptions(command, rim.clock);
  command.addOption(lastOption()).addOption(limitOption(20)).addHelpText("after", examples);
  return addAccessOptions(addStoreOptions(command)).action(async (text: string, options: Options) => {
    const field = canonical(text);
    const query = { ...queryOf(options), field, limit: options.limit * mostTexts };
    await printAll(
      options,
      rim,
      countShape(field),
      async (opened, signal) => {
        const store = seenStore(opened, options, query.filter, rim.clock);
        const since = await sinceLast(store, query, options.last, signal);
        const counts = await store.top({ ...query, since }, signal);
        return counts.filter(({ value }) => isFullest(field, value)).slice(0, options.limit);
      },
      noFlows,
    );
  });
}

/** As how many texts one policy, Service or protocol can be asked for (core/filter/values.ts). */
const mostTexts = 3;

/** Of those texts the one that says most; each thing has one such. */
function isFullest(field: string, value: string): boolean {
  if (field === "policy") return value.includes(":");
  if (field === "service") return value.includes("/");
  return field !== "protocol" || !protocolNames.has(Number(value));
}

/** The field's own name: stores know no aliases. */
function canonical(text: string): string {
  const found = keyOf(text);
  if (found?.key === null && fields[found.field].type === "labels")
    throw new SluiceError("USAGE", `${text} needs the label too, as ${text}.app`);
  if (found === undefined) throw new SluiceError("USAGE", `there is no field "${text}"${hint(text, knownNames)}`);
  return found.key === null ? found.field : `${found.field}.${found.key}`;
}
