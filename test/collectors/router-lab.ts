import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { namespacePath } from "../../core/netlink/namespace.ts";

const trafficProgram = new URL("./traffic.ts", import.meta.url).pathname;
const ends = ["router", "a", "b"] as const;
type End = (typeof ends)[number];

/** 10.99.1.2 and fd99:1::2 are a, 10.99.2.2 and fd99:2::2 are b; the router between them has to-a and to-b. */
export class RouterLab {
  static #count = 0;
  readonly #name = `sluice-test-${process.pid}-${RouterLab.#count++}`;
  readonly #running: ChildProcess[] = [];

  up(): void {
    for (const end of ends) ip("netns", "add", this.#netns(end));
    for (const end of ends) this.#ip(end, "link", "set", "lo", "up");
    this.#link("a", 1);
    this.#link("b", 2);
    this.run("router", ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
  }

  down(): void {
    for (const child of this.#running) child.kill();
    for (const end of ends) ip("netns", "delete", this.#netns(end));
  }

  get router(): string {
    return this.#netns("router");
  }

  get routerPath(): string {
    return namespacePath(this.#netns("router"));
  }

  /** Replaces the router's ruleset. */
  nft(ruleset: string): void {
    this.run("router", ["nft", "-f", "-"], `flush ruleset\n${ruleset}`);
  }

  /** Runs a program to its end; its output. */
  run(end: End, command: readonly string[], input = ""): string {
    const words = ["netns", "exec", this.#netns(end), ...command];
    return execFileSync("ip", words, { input, encoding: "utf8", stdio: "pipe" });
  }

  /** Starts a program that goes on until the lab ends; calls when it prints something. Resolves when it runs. */
  async follow(end: End, command: readonly string[], onOutput: () => void): Promise<void> {
    const child = spawn("ip", ["netns", "exec", this.#netns(end), ...command], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#running.push(child);
    child.stdout.on("data", onOutput);
    await once(child, "spawn");
  }

  /** Runs the traffic program to its end. */
  async traffic(end: End, ...words: readonly (string | number)[]): Promise<void> {
    const [code] = (await once(this.#traffic(end, words), "exit")) as [number];
    if (code !== 0) throw new Error(`traffic ${words.join(" ")} ended with code ${code}`);
  }

  /** Starts the traffic program as a server; resolves when it listens. */
  async serve(end: End, ...words: readonly (string | number)[]): Promise<void> {
    const child = this.#traffic(end, words);
    this.#running.push(child);
    if (child.stdout !== null) await once(child.stdout, "data");
  }

  /** Starts a script that serves; resolves when it prints something. */
  async serveWith(end: End, script: string): Promise<void> {
    const words = ["netns", "exec", this.#netns(end), process.execPath, "-e", script];
    const child = spawn("ip", words, { stdio: ["ignore", "pipe", "inherit"] });
    this.#running.push(child);
    await once(child.stdout, "data");
  }

  /** Starts the traffic program; resolves when it has begun. The result stops it and gives the last line it printed. */
  async begin(end: End, ...words: readonly (string | number)[]): Promise<() => Promise<string>> {
    const child = this.#traffic(end, words);
    this.#running.push(child);
    let printed = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    if (child.stdout !== null) await once(child.stdout, "data");
    return async () => {
      child.kill("SIGTERM");
      await once(child, "close");
      return printed.trim().split("\n").at(-1) ?? "";
    };
  }

  #traffic(end: End, words: readonly (string | number)[]): ChildProcess {
    const command = ["netns", "exec", this.#netns(end), process.execPath, trafficProgram, ...words.map(String)];
    return spawn("ip", command, { stdio: ["ignore", "pipe", "inherit"] });
  }

  #link(end: "a" | "b", net: number): void {
    const side = `to-${end}`;
    this.#ip("router", "link", "add", side, "type", "veth", "peer", "name", "eth0", "netns", this.#netns(end));
    this.#address("router", side, net, 1);
    this.#address(end, "eth0", net, 2);
    this.#ip(end, "route", "add", "default", "via", `10.99.${net}.1`);
    this.#ip(end, "route", "add", "default", "via", `fd99:${net}::1`);
  }

  #address(end: End, device: string, net: number, host: number): void {
    this.#ip(end, "address", "add", `10.99.${net}.${host}/24`, "dev", device);
    this.#ip(end, "address", "add", `fd99:${net}::${host}/64`, "dev", device, "nodad");
    this.#ip(end, "link", "set", device, "up");
  }

  #ip(end: End, ...words: readonly string[]): void {
    ip("-n", this.#netns(end), ...words);
  }

  #netns(end: End): string {
    return `${this.#name}-${end}`;
  }
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
}
