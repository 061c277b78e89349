import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus } from "../../bin/bus/open-bus.ts";
import { RecordTopics } from "../../bin/bus/record-topics.ts";
import type { KeptBus } from "../../core/bus.ts";
import { systemClock } from "../../core/clock.ts";
import { type Config, parseConfig } from "../../core/config.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { LocalServices } from "../../scripts/services/local.ts";
import { LoadLab } from "../bench/load-lab.ts";
import { HttpProxy } from "../support/http-proxy.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { Stage } from "./stage.ts";

export const nodes = ["node-1", "node-2"] as const;

/** A node's disk is small, so that it fills up; the archive's as well. */
const nodeDiskMib = 48;
const archiveDiskMib = 256;
/** Connections are forgotten soon, so that their ends are told within the run. */
const udpSeconds = 10;

const objects = `
{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
{ apiVersion: v1, kind: Node, metadata: { name: node-1 }, spec: { podCIDR: 10.98.0.0/24 } }
---
{ apiVersion: v1, kind: Node, metadata: { name: node-2 }, spec: { podCIDR: 10.97.0.0/24 } }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, uid: u1, labels: { app: web } }
spec: { nodeName: node-1, containers: [] }
status: { podIP: 10.98.0.1, podIPs: [{ ip: 10.98.0.1 }] }
`;

/** Two nodes with traffic, everything of Sluice that stands between them and two stores, and a Kafka and an Elasticsearch of their own. */
export class ChaosLab {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-chaos-"));
  readonly traffic: ReadonlyMap<string, LoadLab>;
  readonly nodeDisk = new SmallDisk(nodeDiskMib);
  readonly archiveDisk = new SmallDisk(archiveDiskMib);
  readonly proxy = new HttpProxy();
  readonly services: LocalServices;
  stages: readonly Stage[] = [];
  #bus: KeptBus | undefined;
  #config: Config | undefined;
  readonly #undo: (() => unknown)[] = [];

  constructor(services: LocalServices) {
    this.services = services;
    this.traffic = new Map(nodes.map((node) => [node, new LoadLab(`-${node.slice(-1)}`)]));
  }

  get config(): Config {
    if (this.#config === undefined) throw new Error("the lab is not up yet");
    return this.#config;
  }

  get topics(): RecordTopics {
    return new RecordTopics(this.#bus as KeptBus, this.config, new Metrics(), silentLog);
  }

  async up(): Promise<void> {
    this.#later(() => rmSync(this.folder, { recursive: true, force: true }));
    this.#later(() => this.services.remove());
    const { KAFKA_BROKERS: brokers = "" } = await this.services.up("kafka");
    const { ELASTICSEARCH_URL: elasticsearch = "" } = await this.services.up("elasticsearch");
    for (const lab of this.traffic.values()) this.#traffic(lab);
    for (const disk of [this.nodeDisk, this.archiveDisk]) {
      disk.mount();
      this.#later(() => disk.unmount());
    }
    mkdirSync(join(this.folder, "objects"));
    writeFileSync(join(this.folder, "objects", "all.yaml"), objects);
    const flags = this.#flags(brokers, await this.proxy.start(elasticsearch));
    this.#later(() => this.proxy.stop());
    this.#config = parseConfig({ flags, env: {} });
    const bus = await openBus({ config: this.config, clock: systemClock, log: silentLog }, never);
    this.#bus = bus;
    this.#later(() => bus?.close());
    this.stages = this.#stages(Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]));
    this.#later(() => Promise.all(this.stages.map((stage) => stage.kill())));
    for (const stage of this.stages) stage.start();
  }

  /** Ends everything in order, the collectors first, so that what is on its way arrives. */
  async stop(): Promise<void> {
    for (const stage of this.stages) await stage.stop();
  }

  /** Takes away what is there, also where `up` did not come to its end. */
  async down(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) await undo();
  }

  #later(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  #traffic(lab: LoadLab): void {
    lab.up();
    this.#later(() => lab.down());
    lab.run(["sysctl", "-qw", `net.netfilter.nf_conntrack_udp_timeout=${udpSeconds}`]);
  }

  /** What all of them have in common; each takes of it what is its own. */
  #flags(brokers: string, elasticsearch: string): Readonly<Record<string, string>> {
    const name = randomUUID().slice(0, 8);
    return {
      "bus.brokers": brokers,
      "bus.prefix": `chaos-${name}`,
      "bus.replicas": "1",
      "bus.partitions": "4",
      "metrics.listen": "off",
      "elasticsearch.urls": elasticsearch,
      "elasticsearch.namespace": `chaos_${name}`,
      "elasticsearch.replicas": "0",
      "elasticsearch.bucket": "hour",
      "data.folder": this.archiveDisk.folder,
    };
  }

  #stages(flags: readonly string[]): readonly Stage[] {
    const only = (...prefixes: readonly string[]) =>
      flags.flatMap((flag, at) => {
        const isOurs = ["bus", "metrics", ...prefixes].some((prefix) => flag.startsWith(`--${prefix}.`));
        return at % 2 === 0 && isOurs ? [flag, flags[at + 1] as string] : [];
      });
    const known = ["--objects.folder", join(this.folder, "objects")];
    const stage = (title: string, ...words: readonly string[]) =>
      new Stage(title, words, join(this.folder, `${title}.log`));
    const collect = (node: string, folder: string) => {
      const seat = ["--seat", `${node}=${this.traffic.get(node)?.name}`, "--collector.window-ms", "1000"];
      return stage(`collect ${node}`, "collect", ...seat, "--data.folder", folder, ...only());
    };
    const enrich = ["enrich", ...known, "--enforcer.mode", "observe", ...only()];
    const elastic = ["sink", "elasticsearch", ...only("elasticsearch")];
    return [
      collect("node-1", join(this.folder, "node-1")),
      collect("node-2", join(this.nodeDisk.folder, "node-2")),
      stage("watch", "watch", ...known, ...only()),
      stage("enrich 1", ...enrich),
      stage("enrich 2", ...enrich),
      stage("sink elasticsearch 1", ...elastic),
      stage("sink elasticsearch 2", ...elastic),
      stage("sink archive", "sink", "archive", ...only("data"), "--archive.flush-ms", "1000"),
    ];
  }
}

const never = new AbortController().signal;
