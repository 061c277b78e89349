import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { Output } from "../../sinks/live/output.ts";
import { changeDetail } from "../change-detail.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { changeShape } from "../formats/change-shape.ts";
import { documentText } from "../formats/document.ts";
import { type RecordOptions, recordConfig } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Looks 30 days back, or as far as --since says. --store, --data-folder and -o json or yaml are as of sluice changes.

Examples:
  sluice changes show 1f0c22              by the first characters of its id
  sluice changes show 1f0c22 -o yaml      with all that the record holds
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly since?: number;
}

export function changesShowCommand(rim: Rim = realRim): Command {
  return new Command("show")
    .description("all of one change: who, what, and whom it let reach whom")
    .argument("<id>", "as -o wide or -o name prints it; its first characters do")
    .addHelpText("after", examples)
    .action(async (id: string, _none: object, command: Command) => {
      const { output, ...options } = command.optsWithGlobals<Options>();
      const store = await rim.openStore(recordConfig(options, rim));
      try {
        const now = Math.floor(rim.clock.now()) * 1000;
        const all = await store.changes({ since: options.since ?? now - monthUs, until: now + 1 });
        const change = theOne(all, id);
        const isDocument = output === "json" || output === "yaml";
        const text = isDocument ? documentText(changeShape.objectOf(change), output) : changeDetail(change);
        await new Output(rim.stdout).write(text);
      } finally {
        await store.close();
      }
    });
}

const monthUs = 30 * 86_400_000_000;

/** The one whose id begins so. */
function theOne(all: readonly ChangeRecord[], id: string): ChangeRecord {
  const found = new Map(all.filter((change) => change.id.startsWith(id)).map((change) => [change.id, change]));
  const [change] = found.values();
  if (change === undefined) throw new SluiceError("USAGE", `there is no change ${id} in that time`);
  if (found.size > 1) throw new SluiceError("USAGE", `${id} begins the ids of ${found.size} changes`);
  return change;
}
