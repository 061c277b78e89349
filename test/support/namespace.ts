import { execFileSync } from "node:child_process";

let made = 0;

/** A network namespace of this test process; its name. `deleteNamespace` when done. */
export function makeNamespace(purpose: string): string {
  made += 1;
  const name = `sluice-test-${purpose}-${process.pid}-${made}`;
  execFileSync("ip", ["netns", "add", name]);
  execFileSync("ip", ["-n", name, "link", "set", "lo", "up"]);
  return name;
}

export function deleteNamespace(name: string): void {
  execFileSync("ip", ["netns", "delete", name]);
}

/** What a command prints in the namespace. Throws if it fails. */
export function runIn(name: string, ...command: readonly string[]): string {
  return execFileSync("ip", ["netns", "exec", name, ...command], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}
