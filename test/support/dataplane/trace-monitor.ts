import { type ChildProcess, spawn } from "node:child_process";
import { systemClock } from "../../../core/clock.ts";
import { runIn } from "../namespace.ts";

const pauseMs = 100;

/** Follows packets of one namespace through all chains (nft(8), "MONITOR"). For people who look at a failure: it costs what it likes. */
export class TraceMonitor {
  readonly #namespace: string;
  #child: ChildProcess | undefined;
  #printed = "";

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** All that was printed about the last packet, but for the packet itself. */
  get text(): string {
    const lines = this.#printed.split("\n").filter((line) => line.startsWith("trace id"));
    const last = lines.findLast((line) => line.includes(" inet sluice "))?.split(" ")[2];
    return lines
      .filter((line) => line.startsWith(`trace id ${last} inet sluice `) && !line.includes(" packet: "))
      .map((line) => `    ${line.slice(`trace id ${last} inet `.length)}\n`)
      .join("");
  }

  start(): void {
    for (const chain of ["untracked_in", "untracked_out"])
      runIn(this.#namespace, "nft", "insert", "rule", "inet", "sluice_harness", chain, "meta", "nftrace", "set", "1");
    const command = ["netns", "exec", this.#namespace, "nft", "monitor", "trace"];
    this.#child = spawn("ip", command, { stdio: ["ignore", "pipe", "ignore"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#printed += chunk.toString();
    });
  }

  /** The text once nothing more comes. */
  async settled(): Promise<string> {
    for (let before = -1; before < this.#printed.length; ) {
      before = this.#printed.length;
      await systemClock.sleep(pauseMs);
    }
    return this.text;
  }

  stop(): void {
    this.#child?.kill();
    for (const chain of ["untracked_in", "untracked_out"]) {
      runIn(this.#namespace, "nft", "flush", "chain", "inet", "sluice_harness", chain);
      runIn(this.#namespace, "nft", "add", "rule", "inet", "sluice_harness", chain, "jump", "untracked");
    }
  }
}
