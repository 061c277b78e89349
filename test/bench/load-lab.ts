import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

const program = new URL("connection-load.ts", import.meta.url).pathname;

// Packets leave by an interface whose other end is down, so it throws them away. Each connection gets a verdict of both directions in its label, and
// port 9 is denied and logged.
const ruleset = `
table inet load {
  chain output {
    type filter hook output priority filter; policy accept;
    tcp dport 9 log prefix "D|E|00ab00ab00ab00ab" group 5 drop
    ct state new ct label set 5 ct label set 9 ct label set 70 accept
  }
}`;

type Protocol = "tcp" | "udp";

export interface Load {
  readonly opened: number;
  readonly denied: number;
  readonly seconds: number;
}

/** A network namespace with a load generator in it. */
export class LoadLab {
  /** Of the namespace. */
  readonly name: string;

  /** `part` tells several of one process apart. */
  constructor(part = "") {
    this.name = `sluice-load-${process.pid}${part}`;
  }

  get path(): string {
    return `/run/netns/${this.name}`;
  }

  up(): void {
    execFileSync("ip", ["netns", "add", this.name]);
    this.run(["ip", "link", "set", "lo", "up"]);
    this.run(["ip", "link", "add", "out", "type", "veth", "peer", "name", "in"]);
    this.run(["ip", "address", "add", "10.98.0.1/16", "dev", "out"]);
    this.run(["ip", "link", "set", "out", "up"]);
    this.run(["ip", "neighbour", "add", "10.98.1.0", "lladdr", "02:00:00:00:00:01", "dev", "out", "nud", "permanent"]);
    this.run(["nft", "-f", "-"], ruleset);
  }

  down(): void {
    execFileSync("ip", ["netns", "delete", this.name]);
  }

  /** What a command printed that ran in the namespace. */
  run([command = "", ...args]: readonly string[], input = ""): string {
    return execFileSync("ip", ["netns", "exec", this.name, command, ...args], { input, encoding: "utf8" });
  }

  /** A program that runs in the namespace; its pid is that of the program itself. */
  start([command = "", ...args]: readonly string[], output: "ignore" | number = "ignore") {
    return spawn("ip", ["netns", "exec", this.name, command, ...args], { stdio: ["ignore", output, "inherit"] });
  }

  /**
   * Opens connections at a rate; `denied` of each hundred to the port that is denied. One generator reaches some 80,000 a
   * second where it has a core for itself, several of them more.
   */
  async load(perSecond: number, count: number, denied = 0, protocol: Protocol = "tcp", generators = 1): Promise<Load> {
    const share = Math.ceil(count / generators);
    const loads = await Promise.all(
      Array.from({ length: generators }, (_, n) => {
        const own = Math.min(share, count - n * share);
        return this.#generate(protocol, [perSecond / generators, own, denied, n * share]);
      }),
    );
    const sum = (of: (load: Load) => number) => loads.reduce((total, load) => total + of(load), 0);
    return {
      opened: sum(({ opened }) => opened),
      denied: sum(({ denied }) => denied),
      seconds: Math.max(...loads.map(({ seconds }) => seconds)),
    };
  }

  async #generate(protocol: Protocol, numbers: readonly number[]): Promise<Load> {
    const args = [process.execPath, program, protocol, ...numbers.map(String)];
    const child = spawn("ip", ["netns", "exec", this.name, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`the generator ended with code ${code}`);
    return JSON.parse(printed) as Load;
  }
}
