import { Command } from "commander";
import { examineServices } from "../doctor/ask-services.ts";
import { type Finding, ok } from "../doctor/check.ts";
import { examine } from "../doctor/doctor.ts";
import { type Machine, thisMachine } from "../doctor/machine.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import type { Shape } from "../formats/format.ts";
import { printerFor } from "../formats/printer.ts";
import { addRecordOptions, type RecordOptions, recordConfig, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";
import { sluiceVersion } from "../version.ts";

const examples = `
Looks at rights, programs, libraries, kernel, sysctls, the cluster's network, who else uses connection labels or the log group,
disk and clock; and, where the settings name them, at Kafka (rights, topics, how far behind readers are) and Elasticsearch (version, rights, health, templates, disk,
clock). It changes nothing.

Examples:
  sluice doctor
  SLUICE_BUS_BROKERS=kafka-0:9092 SLUICE_ELASTICSEARCH_URLS=http://es-0:9200 sluice doctor
  sluice doctor -o jsonl | jq 'select(.status != "ok")'
${exitCodeHelp}`;

const signs: Readonly<Record<Finding["status"], string>> = { ok: "✓ ok", warn: "! warn", fail: "✗ FAIL" };

const findingShape: Shape<Finding> = {
  objectOf: ({ status, subject, text, fix }) => ({ type: "finding", status, subject, text, fix: fix ?? null }),
  nameOf: ({ subject, status }) => `${subject} ${status}`,
  columns: [
    { header: "status", cell: ({ status }) => status, text: ({ status }) => signs[status] },
    { header: "subject", cell: ({ subject }) => subject },
    { header: "found", cell: ({ text }) => text },
    { header: "fix", cell: ({ fix }) => fix ?? null },
  ],
};

const ofItself = [ok("version", `sluice ${sluiceVersion()}, Node ${process.versions.node}`)];

export function doctorCommand(rim: Rim = realRim, machine: Machine = thisMachine): Command {
  const command = new Command("doctor")
    .description("whether this machine has what Sluice needs")
    .addHelpText("after", examples);
  return addRecordOptions(command).action(async (options: RecordOptions) => {
    const config = recordConfig(options, rim);
    const findings = [...ofItself, ...examine(machine, config), ...(await examineServices(config))];
    const out = recordOutput(options, rim);
    const printer = printerFor(options.output, findingShape, out);
    await printer.print(findings);
    await printer.end();
    if (findings.some(({ status }) => status === "fail")) rim.exit(exitCodes.finding);
  });
}
