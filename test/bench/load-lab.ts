import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

const program = new URL("connection-load.ts", import.meta.url).pathname;

// Packets leave by an interface at whose other end nobody takes them for their own. Each connection gets a verdict of both directions in its label, and
// port 9 is denied and logged.
const ruleset = `
table inet load {
  chain output {
    type filter hook output priority filter; policy accept;
    tcp dport 9 log prefix "D|E|00ab00ab00ab00ab" group 5 drop
    ct state new ct label set 5 ct label set 9 ct label set 70 accept
  }
}`;

export interface Load {
  readonly opened: number;
  readonly denied: number;
  readonly seconds: number;
}

/** A network namespace with a load generator in it. */
export class LoadLab {
  readonly #name = `sluice-load-${process.pid}`;
  readonly #hole = `${this.#name}-hole`;

  get path(): string {
    return `/run/netns/${this.#name}`;
  }

  up(): void {
    for (const name of [this.#name, this.#hole]) execFileSync("ip", ["netns", "add", name]);
    this.run(["ip", "link", "set", "lo", "up"]);
    this.run(["ip", "link", "add", "out", "type", "veth", "peer", "name", "in", "netns", this.#hole]);
    this.run(["ip", "address", "add", "10.98.0.1/16", "dev", "out"]);
    execFileSync("ip", ["-n", this.#hole, "link", "set", "in", "up"]);
    this.run(["ip", "link", "set", "out", "up"]);
    this.run(["ip", "neighbour", "add", "10.98.1.0", "lladdr", "02:00:00:00:00:01", "dev", "out", "nud", "permanent"]);
    this.run(["nft", "-f", "-"], ruleset);
  }

  down(): void {
    for (const name of [this.#name, this.#hole]) execFileSync("ip", ["netns", "delete", name]);
  }
  /** What a command printed that ran in the namespace. */
  run([command = "", ...args]: readonly string[], input = ""): string {
    return execFileSync("ip", ["netns", "exec", this.#name, command, ...args], { input, encoding: "utf8" });
  }

  /** A program that runs in the namespace; its pid is that of the program itself. */
  start([command = "", ...args]: readonly string[], output: "ignore" | number = "ignore") {
    return spawn("ip", ["netns", "exec", this.#name, command, ...args], { stdio: ["ignore", output, "inherit"] });
  }

  /** Opens connections at a rate; `denied` of each hundred to the port that is denied. */
  async load(perSecond: number, count: number, denied = 0, protocol: "tcp" | "udp" = "tcp"): Promise<Load> {
    const args = [process.execPath, program, protocol, ...[perSecond, count, denied].map(String)];
    const child = spawn("ip", ["netns", "exec", this.#name, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`the generator ended with code ${code}`);
    return JSON.parse(printed) as Load;
  }
}
