import { Command, InvalidArgumentError, Option } from "commander";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import { World } from "../../policy/world.ts";
import { type AccessOptions, addAccessOptions, readableOf } from "../access-options.ts";
import { choiceOption } from "../choice.ts";
import type { Question } from "../connections.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { readFolder } from "../folder.ts";
import { type FormatName, formatNames } from "../formats/format.ts";
import { printerFor } from "../formats/printer.ts";
import { traceShape } from "../formats/trace-shape.ts";
import { podToHostOption } from "../pod-to-host-option.ts";
import { checkPort, parseProtocol } from "../protocol-text.ts";
import { recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";
import { answered, checkQuestion, namespacesOf, seenTraces } from "../seen-trace.ts";
import { type Trace, traceOf } from "../trace.ts";
import { renderTrace } from "../trace-text.ts";

const examples = `
FROM and TO are a pod (namespace/name), a node (node:NAME) or an address. A pod may be named without the suffix that
its workload gave it, if the same policies apply to all pods of that name. TO may be a Service as well, as
service:NAMESPACE/NAME or by its cluster address. With --objects api: a cluster is asked, by the kubeconfig of kubectl.

Examples:
  sluice trace --objects lab/demo --from prod-web/web --to prod-shop/cart --port 8080
  sluice trace --objects lab/demo --from prod-shop/cart --to 8.8.8.8 --port 53 --protocol UDP
  sluice trace --objects lab/demo --from dev-shop/web --to service:prod-shop/cart --port 80 -o json
${exitCodeHelp}`;

interface Options extends AccessOptions {
  readonly objects: string;
  readonly "objects.folder"?: string;
  readonly from: string;
  readonly to: string;
  readonly port?: number;
  readonly protocol: string;
  readonly family?: string;
  readonly podToHost: ProgramSettings["podToHost"];
  readonly output: "text" | FormatName;
  readonly headers: boolean;
}

export function traceCommand(rim: Rim = realRim): Command {
  const command = new Command("trace")
    .description("tell whether a connection would be allowed, and the path through the tiers that decides it")
    .requiredOption("--from <end>", "who connects")
    .requiredOption("--to <end>", "to whom")
    .option("--port <number>", "destination port; for ICMP the type (default: echo request)", parsePort)
    .addOption(new Option("--protocol <name>", "TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6 or a number").default("TCP"))
    .addOption(new Option("--family <4|6>", "IPv4 or IPv6 where both ends have both").choices(["4", "6"]))
    .addOption(podToHostOption())
    .option(
      "--objects <folder>",
      "folder of Kubernetes YAML with pods and policies, - for standard input, api: or api:CONTEXT for a cluster",
      "./manifests",
    )
    .addOption(new Option("--objects.folder <folder>", "as the setting is called elsewhere").hideHelp())
    .addOption(choiceOption("-o, --output <format>", "how to print", ["text", ...formatNames]).default("text"))
    .option("--no-headers", "no header line in tables and CSV")
    .addHelpText("after", examples);
  return addAccessOptions(command).action(async (options: Options) => {
    const question = questionOf(options);
    const readable = (await readableOf(options, rim.clock, namespacesOf(question))?.()) ?? "all";
    checkQuestion(question, readable);
    const folder = options["objects.folder"] ?? options.objects;
    const objects = await readFolder(folder, (line) => rim.note(line));
    const world = new World({ podToHost: options.podToHost });
    world.apply(objects.map((object) => ({ type: "upsert", object })));
    const traces = seenTraces(
      answered(() => traceOf(world, objects, question), readable),
      objects,
      question,
      readable,
    );
    await print(traces, options, rim);
    if (traces.some(({ action }) => action === "deny")) rim.exit(exitCodes.finding);
  });
}

async function print(traces: readonly Trace[], { output, headers }: Options, rim: Rim): Promise<void> {
  const out = recordOutput({ headers, color: "auto" }, rim);
  if (output === "text") return out.output.write(renderTrace(traces));
  const printer = printerFor(output, traceShape, out);
  await printer.print(traces);
  await printer.end();
}

function questionOf({ from, to, port, protocol, family }: Options): Question {
  const number = parseProtocol(protocol, "--protocol");
  checkPort(number, port ?? null, "--port");
  return {
    from,
    to,
    port: port ?? null,
    protocol: number,
    family: family === undefined ? null : family === "4" ? 4 : 6,
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new InvalidArgumentError("A port is 1 to 65535, an ICMP type 0 to 255.");
  return port;
}
