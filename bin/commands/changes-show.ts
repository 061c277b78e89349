import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { Output } from "../../sinks/live/output.ts";
import { changeDetail } from "../change-detail.ts";
import { choiceOption } from "../choice.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { changeShape } from "../formats/change-shape.ts";
import { documentText } from "../formats/document.ts";
import { momentParser } from "../moment.ts";
import { type RecordOptions, recordConfig } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Examples:
  sluice changes show 1f0c22              by the first characters of its id
  sluice changes show 1f0c22 -o yaml      with all that the record holds
${exitCodeHelp}`;

interface Options extends Omit<RecordOptions, "output"> {
  readonly since?: number;
  readonly output: "table" | "json" | "yaml";
}

export function changesShowCommand(rim: Rim = realRim): Command {
  return new Command("show")
    .description("all of one change: who, what, and whom it let reach whom")
    .argument("<id>", "as -o wide or -o name prints it; its first characters do")
    .option("--since <time>", "how far back to look; default 30d", momentParser(rim.clock))
    .addOption(choiceOption("-o, --output <format>", "how to print", ["table", "json", "yaml"]).default("table"))
    .option("--data-folder <folder>", "where the records are (or SLUICE_DATA_FOLDER; default ./data)")
    .option("--config <file>", "YAML file of settings (or SLUICE_CONFIG)")
    .addOption(
      choiceOption("--store <store>", "where to look (or SLUICE_READ_FROM; default archive)", [
        "archive",
        "elasticsearch",
      ]),
    )
    .option("--elasticsearch.urls <urls>", "nodes of Elasticsearch (or SLUICE_ELASTICSEARCH_URLS)")
    .addHelpText("after", examples)
    .action(async (id: string, options: Options) => {
      const now = Math.floor(rim.clock.now()) * 1000;
      const store = await rim.openStore(recordConfig(options, rim));
      try {
        const all = await store.changes({ since: options.since ?? now - monthUs, until: now + 1 });
        const found = [
          ...new Map(all.filter((change) => change.id.startsWith(id)).map((one) => [one.id, one])).values(),
        ];
        const [change] = found;
        if (change === undefined) throw new SluiceError("USAGE", `there is no change ${id} in that time`);
        if (found.length > 1) throw new SluiceError("USAGE", `${id} begins the ids of ${found.length} changes`);
        const { output } = options;
        const text = output === "table" ? changeDetail(change) : documentText(changeShape.objectOf(change), output);
        await new Output(rim.stdout).write(text);
      } finally {
        await store.close();
      }
    });
}

const monthUs = 30 * 86_400_000_000;
