import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { Intake } from "../../collectors/audit/intake.ts";
import { Journal } from "../../collectors/audit/journal.ts";
import { readAuditLog } from "../../collectors/audit/log-reader.ts";
import { answerAdmission, receiveAudit } from "../../collectors/audit/receiver.ts";
import { recordedIn } from "../../controls/evidence/recorded.ts";
import type { Sighting } from "../../controls/evidence/sighting.ts";
import { type Settled, WaitingChanges } from "../../controls/evidence/waiting.ts";
import { systemClock } from "../../core/clock.ts";
import type { Deed } from "../../core/kube/deed.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { Authority, type Certificate } from "../support/certificates.ts";

/** The audit side of a watcher: what it hears, with the changes that a test says were seen. */
export class AuditLab {
  readonly folder: string;
  readonly metrics = new Metrics();
  readonly refused: Deed[] = [];
  readonly settled = new Map<string, Settled<string>>();
  readonly ca: string;
  readonly server: Certificate;
  readonly client: Certificate;
  /** Signed as well, but by another name. */
  readonly stranger: Certificate;
  port = 0;
  admissionPort = 0;
  /** All that was told, each once. */
  readonly told: Deed[] = [];
  #join = new WaitingChanges<string>({ waitMs: 60_000, keepMs: 3_600_000, most: 1_000 });
  #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.folder = folder;
    const authority = new Authority(folder, "authority");
    this.ca = authority.file;
    this.server = authority.issue("receiver", { names: "IP:127.0.0.1" });
    this.client = authority.issue("kube-apiserver");
    this.stranger = authority.issue("kubelet");
  }

  /** Listens; on the same port as before. `logFile`: follows that log instead. */
  async start({ logFile }: { readonly logFile?: string } = {}): Promise<void> {
    this.#stop = new AbortController();
    const { metrics, folder } = this;
    const journal = new Journal(join(folder, "journal"));
    const intake = new Intake({
      journal,
      isControl: recordedIn("sluice-system"),
      onDeeds: (deeds) => this.#take(deeds),
      onHeard: () => {},
      metrics,
      clock: systemClock,
    });
    await intake.open();
    const common = { intake, metrics, clock: systemClock, log: silentLog };
    const tls = {
      certificateFile: this.server.certificate,
      keyFile: this.server.key,
      clientCaFile: this.ca,
      clientNames: ["kube-apiserver"],
    };
    const at = (port: number) => ({ host: "127.0.0.1", port });
    const { signal } = this.#stop;
    const parts: Promise<void>[] = [];
    if (logFile !== undefined) {
      const positionFile = join(folder, "position.json");
      parts.push(readAuditLog({ ...common, path: logFile, positionFile }, signal));
    } else {
      const audit = listening((on) => receiveAudit({ ...common, address: at(this.port), tls }, signal, on));
      const webhook = {
        ...common,
        address: at(this.admissionPort),
        tls: { ...tls, clientCaFile: null, clientNames: [] },
      };
      const admission = listening((on) => answerAdmission({ ...webhook, token: "secret" }, signal, on));
      parts.push(audit.ended, admission.ended);
      [this.port, this.admissionPort] = await Promise.all([audit.port, admission.port]);
    }
    this.#running = Promise.all(parts).then(() => intake.close());
  }

  /** How many deeds were told. */
  get fresh(): number {
    return this.told.length;
  }

  /** … of a request or an object of that name: the API server may post others' at any time. */
  freshOf(name: string): number {
    return this.told.filter(({ requestId, target }) => requestId === name || target.name === name).length;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Flags by which a kube-apiserver sends its events here. */
  flags(): readonly string[] {
    const cluster = { server: `https://127.0.0.1:${this.port}/audit`, "certificate-authority": this.ca };
    const user = { "client-certificate": this.client.certificate, "client-key": this.client.key };
    const config = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
      ...{ clusters: [{ name: "c", cluster }], users: [{ name: "u", user }] },
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    };
    return [
      `--audit-webhook-config-file=${writeJson(join(this.folder, "webhook.json"), config)}`,
      "--audit-webhook-batch-max-wait=100ms",
      "--audit-webhook-initial-backoff=1s",
    ];
  }

  /** List and watch saw it. */
  see(name: string, sighting: Sighting): void {
    this.#note(this.#join.see(sighting, name, systemClock.now()));
  }

  /** Settles what waits by what is known. */
  giveUp(): void {
    this.#note(this.#join.all());
  }

  whoDid(name: string): string | undefined {
    const { certainty, deed } = this.settled.get(name)?.evidence ?? {};
    return certainty === undefined ? undefined : `${certainty} ${deed?.who.user ?? "nobody"}`;
  }

  /** As whoever has that certificate. */
  post(body: string, { certificate, key }: Certificate = this.client): Promise<number> {
    const options = {
      method: "POST",
      ca: readFileSync(this.ca),
      cert: readFileSync(certificate),
      key: readFileSync(key),
      agent: false as const,
    };
    return new Promise((resolve, reject) => {
      const asked = request(`https://127.0.0.1:${this.port}/audit`, options, (reply) => {
        reply.resume();
        reply.once("end", () => resolve(reply.statusCode ?? 0));
      });
      asked.once("error", reject);
      asked.end(body);
    });
  }

  #take(deeds: readonly Deed[]): void {
    const { fresh, settled } = this.#join.take(deeds, systemClock.now());
    this.told.push(...fresh);
    this.refused.push(...fresh.filter(({ refusal }) => refusal !== null));
    this.#note(settled);
  }

  #note(settled: readonly Settled<string>[]): void {
    for (const one of settled) this.settled.set(one.change, one);
  }
}

function listening(run: (on: (port: number) => void) => Promise<void>) {
  const { promise: port, resolve } = Promise.withResolvers<number>();
  return { port, ended: run(resolve) };
}

function writeJson(path: string, value: unknown): string {
  writeFileSync(path, JSON.stringify(value));
  return path;
}
