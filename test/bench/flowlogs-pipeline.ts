import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import { ObjectServer } from "./object-server.ts";

// NetObserv's flowlogs-pipeline as a peer of our enricher. Its ingest `file` reads JSON lines, the transform `network` names pods, nodes and Services from
// the informers of its own Kubernetes client, and `write stdout` writes JSON lines, here to a file.

/** SLUICE_FLOWLOGS_PIPELINE, or where PATH has it. */
const program = process.env["SLUICE_FLOWLOGS_PIPELINE"] ?? inPath("flowlogs-pipeline");

export const hasFlowlogsPipeline = program !== undefined;

/** What it may do with the records. */
type Task = "names" | "nothing";

interface PeerRun {
  /** Of its process, in the kernel too, from its start to its end. */
  readonly cpuSeconds: number;
  /** What it wrote, a record a line. */
  readonly lines: readonly string[];
}

/** A folder and an API server for runs of the program. */
export class FlowlogsPipeline {
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-flowlogs-"));
  readonly #objects: ObjectServer;

  constructor(objects: readonly KubeObject[]) {
    this.#objects = new ObjectServer(objects);
  }

  async open(): Promise<void> {
    const server = await this.#objects.listen();
    const context = { name: "bench", context: { cluster: "bench", user: "" } };
    const clusters = [{ name: "bench", cluster: { server } }];
    const kubeconfig = { apiVersion: "v1", kind: "Config", clusters, contexts: [context], "current-context": "bench" };
    writeFileSync(join(this.#folder, "kubeconfig"), JSON.stringify(kubeconfig));
  }

  async run(records: readonly RawFlow[], task: Task): Promise<PeerRun> {
    const [from, to] = [join(this.#folder, "in"), join(this.#folder, "out")];
    writeFileSync(from, records.map((record) => `${lineOf(record)}\n`).join(""));
    const settings = [
      ...["--pipeline", JSON.stringify(pipeline)],
      ...["--parameters", JSON.stringify(this.#parameters(from, task))],
      ...["--metricsSettings", JSON.stringify({ disableGlobalServer: true })],
    ];
    const cpuSeconds = await cpuSecondsOf([program as string, ...settings], openSync(to, "w"));
    const lines = readFileSync(to, "utf8").split("\n");
    // Its settings are printed before, indented.
    return { cpuSeconds, lines: lines.filter((line) => line.startsWith('{"')) };
  }

  close(): void {
    this.#objects.close();
    rmSync(this.#folder, { recursive: true });
  }

  #parameters(filename: string, task: Task) {
    const kubeConfig = { configPath: join(this.#folder, "kubeconfig") };
    const network = task === "names" ? { kubeConfig, rules } : { rules: [] };
    return [
      { name: "read", ingest: { type: "file", file: { filename, decoder: { type: "json" } } } },
      { name: "name", transform: { type: "network", network } },
      { name: "write", write: { type: "stdout", stdout: { format: "json" } } },
    ];
  }
}

/** The names that a line gives: of source, destination and Service; undefined where it has none. */
export function peerNames(line: string): readonly (string | undefined)[] {
  const record = JSON.parse(line) as Readonly<Record<string, string | undefined>>;
  return ["source_Name", "destination_Name", "service_Name"].map((field) => record[field]);
}

/** The same of our record. */
export function ourNames({ source, destination, service }: Flow): readonly (string | undefined)[] {
  const podName = (end: Flow["source"]) => (end?.kind === "pod" ? (end.name ?? undefined) : undefined);
  return [podName(source), podName(destination), service?.name];
}

const pipeline = [{ name: "read" }, { name: "name", follows: "read" }, { name: "write", follows: "name" }];

const rules = [
  kubernetesRule("sourceAddress", "source"),
  kubernetesRule("destinationAddress", "destination"),
  kubernetesRule("virtualAddress", "service"),
];

function kubernetesRule(ipField: string, output: string) {
  return { type: "add_kubernetes", kubernetes: { ipField, output, labels_prefix: `${output}_labels` } };
}

/** What is not null, by its own name; its rules take no field from within an object. */
function lineOf({ nat, ...flow }: RawFlow): string {
  const virtual = nat === null ? {} : { virtualAddress: nat.destinationAddress, virtualPort: nat.destinationPort };
  return JSON.stringify({ ...flow, ...virtual }, (_, value) => value ?? undefined);
}

/** By the shell's `times`, whose last line is that of what it ran. */
async function cpuSecondsOf(command: readonly string[], stdout: number): Promise<number> {
  const script = '"$@" >&3 || exit; times';
  // Lists once and then watches, as clusters before 1.35 have it done.
  const env = { ...process.env, KUBE_FEATURE_WatchListClient: "false" };
  const child = spawn("sh", ["-c", script, "sh", ...command], { env, stdio: ["ignore", "pipe", "inherit", stdout] });
  closeSync(stdout);
  let printed = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command[0]} ended with exit code ${code}`);
  const times = printed.trim().split("\n").at(-1)?.split(" ") ?? [];
  return times.map(secondsOf).reduce((sum, seconds) => sum + seconds, 0);
}

/** `1m2.345s` */
function secondsOf(time: string): number {
  const [minutes, seconds] = time.split("m");
  return Number(minutes) * 60 + Number.parseFloat(seconds ?? "");
}

function inPath(name: string): string | undefined {
  const places = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  return places.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
