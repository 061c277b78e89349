import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus } from "../../bin/bus/open-bus.ts";
import { RecordTopics, type TopicRecords } from "../../bin/bus/record-topics.ts";
import type { KeptBus, KeptReader, Message } from "../../core/bus.ts";
import { systemClock } from "../../core/clock.ts";
import { type Config, parseConfig } from "../../core/config.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Framed } from "../../core/records/framed-batches.ts";
import { type Run, sluice } from "../bin/command.ts";
import { until } from "../support/until.ts";

const forever = new AbortController().signal;

/** Topics of its own on a real Kafka, a folder of objects, and processes of `sluice` between them. */
export class BusLab {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-bus-"));
  readonly #flags: Readonly<Record<string, string>>;
  readonly #running: Run[] = [];
  readonly #readers: KeptReader[] = [];
  readonly config: Config;
  bus: KeptBus | undefined;

  constructor(brokers: string, more: Readonly<Record<string, string>> = {}) {
    this.#flags = {
      "bus.brokers": brokers,
      "bus.prefix": `t${randomUUID().slice(0, 8)}`,
      "bus.replicas": "1",
      "bus.partitions": "3",
      ...more,
    };
    this.config = parseConfig({ flags: this.#flags, env: {} });
    mkdirSync(this.objects);
  }

  get objects(): string {
    return join(this.folder, "objects");
  }

  async open(objects: string): Promise<RecordTopics> {
    writeFileSync(join(this.objects, "all.yaml"), objects);
    this.bus = await openBus({ config: this.config, clock: systemClock, log: silentLog }, forever);
    return this.topics;
  }

  get topics(): RecordTopics {
    return new RecordTopics(this.bus as KeptBus, this.config, new Metrics(), silentLog);
  }

  /** Resolves when it is ready. */
  async start(command: readonly string[], ...args: readonly string[]): Promise<Run> {
    const flags = Object.entries(this.#flags).flatMap(([name, value]) => [`--${name}`, value]);
    const run = sluice(...command, ...flags, "--metrics.listen", "off", ...args);
    this.#running.push(run);
    const ready = () => {
      if (run.process.exitCode !== null) throw new Error(`${command.join(" ")} ended: ${run.printed.err}`);
      return run.printed.err.includes('"ready"');
    };
    await until(`${command.join(" ")} to be ready`, ready, 60_000);
    return run;
  }

  async stop(run: Run): Promise<number | null> {
    run.process.kill("SIGTERM");
    return run.ended;
  }

  async kill(run: Run): Promise<void> {
    run.process.kill("SIGKILL");
    if (run.process.exitCode === null && run.process.signalCode === null) await once(run.process, "exit");
  }

  /** Messages of a topic from its beginning on. */
  async messages(topic: string, partitions: number): Promise<readonly Message[]> {
    const bus = this.bus as KeptBus;
    const reader = bus.reader([topic], this.topics.nameOf("test"));
    this.#readers.push(reader);
    const all: Message[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      // A message of our own ends the search.
      const last = bus.fenced(topic, partition, `${topic}.test.${partition}`);
      const at = await last.write([{ key: "", ...(await this.#empty(topic)) }]);
      await last.close();
      all.push(...(await reader.read(topic, partition, { from: 0n, to: at }, AbortSignal.timeout(60_000))));
    }
    return all;
  }

  /** A message without records, which does not disturb who reads the topic. */
  async #empty(topic: string): Promise<Framed> {
    const kind = topic.slice(this.config.bus.prefix.length + 1) as keyof TopicRecords;
    return this.topics.topic(kind).codec.encode([]);
  }

  /** Records of a topic from its beginning on. */
  async records<K extends keyof TopicRecords>(kind: K, partitions = 3): Promise<readonly TopicRecords[K][]> {
    const { name, codec } = this.topics.topic(kind);
    const messages = await this.messages(name, partitions);
    return (await Promise.all(messages.map((message) => Promise.resolve(codec.decode(message))))).flat();
  }

  async close(): Promise<void> {
    for (const { process } of this.#running) process.kill("SIGKILL");
    await Promise.all(this.#readers.map((reader) => reader.close()));
    await this.bus?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
