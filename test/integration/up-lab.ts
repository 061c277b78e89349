import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { openStore } from "../../bin/open-store.ts";
import { parseConfig } from "../../core/config.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { type Run, sluice } from "../bin/command.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import type { Begun } from "../collectors/traffic.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

const pods = { a: { node: "router", ips: ["10.99.1.2"] }, b: { node: "router", ips: ["10.99.2.2"] } };
export const objectsThat = (action: "Allow" | "Deny") =>
  world()
    .namespace("lab")
    .node("router", "10.99.1.1")
    .pod("lab/a", { app: "a" }, pods.a)
    .pod("lab/b", { app: "b" }, pods.b)
    .tier("app", 100)
    .policy("lab/app.b", { tier: "app", selector: "app == 'b'", ingress: [{ action }] }).objects;

const everything = { since: 0, until: 2 ** 52 };
const answeringPort = 80;

/** What is in an archive. */
export interface Kept {
  readonly flows: readonly Flow[];
  readonly losses: readonly Loss[];
  readonly heartbeats: readonly Heartbeat[];
  readonly changes: readonly ChangeRecord[];
}

/** `sluice up` as a process of its own, enforcing on a router with the pods a and b, and traffic from a to b. */
export class UpLab {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-up-lab-"));
  data = join(this.folder, "data");
  readonly #lab = new RouterLab();
  readonly #args: readonly string[];
  #isUp = false;
  #run: Run | undefined;

  constructor(...settings: readonly string[]) {
    this.#args = ["-o", "jsonl", "--metrics.listen", "off", "--enforcer.pod-interface-prefixes", "to-", ...settings];
  }

  async up(): Promise<void> {
    this.policy("Allow");
    this.#lab.up();
    this.#isUp = true;
    // Compiled modules are kept when a process ends in order: those that are killed then begin in half the time.
    await sluice("version").ended;
    // Connections must end while a test runs, also between two lives of the process.
    this.#lab.run("router", ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=1"]);
    // As CNIs do, and as the enforcer finds out whose interface it is.
    for (const [side, address] of [
      ["to-a", "10.99.1.2"],
      ["to-b", "10.99.2.2"],
    ] as const)
      this.#lab.run("router", ["ip", "route", "add", `${address}/32`, "dev", side]);
    await this.#lab.serve("b", "serve", "10.99.2.2", answeringPort, 1_000);
  }

  /** What b lets come in from now on. */
  policy(action: "Allow" | "Deny"): void {
    const texts = objectsThat(action).map((object) => stringify(object));
    writeFileSync(join(this.folder, "all.yaml"), texts.join("---\n"));
  }

  /** Whether a can connect to b now. */
  passes(): boolean {
    const connect = `const s = require("net").connect(${answeringPort}, "10.99.2.2", () => process.exit(0));
      s.on("error", () => process.exit(1)); setTimeout(() => process.exit(1), 1000);`;
    try {
      this.#lab.run("a", [process.execPath, "-e", connect]);
      return true;
    } catch {
      return false;
    }
  }

  /** Calls when the kernel tells that the router's rules were changed; ends with the lab. */
  watchRules(onChange: () => void): Promise<void> {
    return this.#lab.follow("router", ["nft", "monitor"], onChange);
  }

  async down(): Promise<void> {
    this.#run?.process.kill("SIGKILL");
    await this.#run?.ended;
    if (this.#isUp) this.#lab.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts the process. */
  start(): Run {
    const seat = `router=${this.#lab.router}`;
    this.#run = sluice(
      ...["up", "--objects.folder", this.folder, "--data.folder", this.data, "--seat", seat],
      ...this.#args,
    );
    return this.#run;
  }

  ready(run: Run): Promise<void> {
    return this.said(run, '"msg":"ready"');
  }

  async said(run: Run, words: string): Promise<void> {
    await until(`the process to say ${words}`, () => run.printed.err.includes(words), 60_000);
  }

  /** Begins traffic; the result ends it and tells what there was. */
  async traffic(): Promise<() => Promise<Begun>> {
    const stop = await this.#lab.begin("a", "until-stopped", "10.99.2.2", answeringPort);
    return async () => JSON.parse(await stop()) as Begun;
  }

  /** All that another process would read. */
  async kept(): Promise<Kept> {
    const store = await openStore(parseConfig({ flags: { "data.folder": this.data } }));
    try {
      const [losses, heartbeats, changes] = await Promise.all([
        store.losses(everything),
        store.heartbeats(everything),
        store.changes(everything),
      ]);
      const query = { ...everything, filter: null, allReports: true, order: "oldest", limit: 1_000_000 } as const;
      const { items: flows } = await store.search(query, new AbortController().signal);
      return { flows, losses, heartbeats, changes };
    } finally {
      await store.close();
    }
  }
}
