import type { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { JsonLinesFile } from "../../sinks/file/json-lines-file.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { chosenSinkCommand } from "./sink-chosen.ts";

const help = `
Appends records to a file, a JSON object a line, as sluice flows -o jsonl prints them. Kafka is told that records are done with when they are forced to
the disk; after a crash some may come again, with the same node, epoch and seq. A file that is full or old is renamed to PATH.TIME.

Examples:
  sluice sink file --bus.brokers kafka-0:9092 --file.path /var/log/sluice/denied.jsonl --kinds flow --filter 'verdict = deny'
${exitCodeHelp}`;

export const sinkFileCommand = (): Command =>
  chosenSinkCommand({
    name: "file",
    description: "append chosen records of Kafka to a file of JSON lines",
    help,
    others: /^(archive|collector|dns|spool|objects|enforcer|enricher|node|cluster|data|syslog|elasticsearch)\./,
    open({ file }) {
      if (file.path === "") throw new SluiceError("CONFIG_INVALID", "file.path is empty; give --file.path FILE");
      const lines = new JsonLinesFile({ ...file, clock: systemClock });
      const sinks = {
        flow: lines.of<Flow>("flow"),
        dns: lines.of<DnsRecord>("dns"),
        loss: lines.of<Loss>("loss"),
        change: lines.of<ChangeRecord>("change"),
      };
      return { sinks, close: () => lines.close() };
    },
  });
