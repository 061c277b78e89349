import { spawn } from "node:child_process";
import { SluiceError } from "../core/errors.ts";
import type { LinkScript } from "./render-links.ts";

/** Runs a program to its end with the given standard input. Never through a shell. Returns what it printed. */
export function command(program: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let complaints = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      out += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      complaints += chunk;
    });
    child.on("error", (cause) => reject(notStarted(program, cause)));
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(failed(program, args, complaints, code))));
    // A program that ended before it read everything tells why by its exit code.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Runs `ip -batch` inside the script's network namespace; stops at the first line that fails. */
export async function applyLinks({ namespace, lines }: LinkScript): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === null ? [] : ["-n", namespace];
  await command("ip", [...where, "-batch", "-"], `${lines.join("\n")}\n`);
}

/** Loads one nft transaction inside a network namespace. */
export async function applyNft(namespace: string, text: string): Promise<void> {
  await command("ip", ["netns", "exec", namespace, "nft", "-f", "-"], text);
}

/** Debian's names; they are the same on Fedora, Alpine and Arch but for iproute. */
const packages: Readonly<Record<string, string>> = { ip: "iproute2", nft: "nftables" };

function notStarted(program: string, cause: Error): SluiceError {
  const advice = `install the package ${packages[program] ?? program}`;
  return new SluiceError("DEPENDENCY_MISSING", `cannot start "${program}" (${cause.message}): ${advice}`, { cause });
}

/** What the kernel or a program says when a part is missing, and what to do about it. */
const causes: readonly {
  readonly pattern: RegExp;
  readonly code: "DEPENDENCY_MISSING" | "PERMISSION_DENIED";
  readonly advice: string;
}[] = [
  {
    pattern: /exec of "nft" failed/,
    code: "DEPENDENCY_MISSING",
    advice: 'cannot start "nft": install the package nftables',
  },
  {
    pattern: /Unknown device type|RTNETLINK answers: (Operation not supported|Not supported)/i,
    code: "DEPENDENCY_MISSING",
    advice: "the kernel has no veth or bridge devices (CONFIG_VETH, CONFIG_BRIDGE)",
  },
  {
    pattern:
      /netlink: Error: cache initialization failed: (Protocol|Operation) not supported|Could not process rule: (No such file|Operation not supported|Protocol not supported)/i,
    code: "DEPENDENCY_MISSING",
    advice:
      "the kernel lacks nftables NAT (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT, CONFIG_NFT_NUMGEN)",
  },
  {
    pattern: /Failed to create a new network namespace.*Invalid argument/i,
    code: "DEPENDENCY_MISSING",
    advice: "the kernel has no network namespaces (CONFIG_NET_NS)",
  },
  {
    pattern: /Operation not permitted|Permission denied/i,
    code: "PERMISSION_DENIED",
    advice: "the lab needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN",
  },
];

function failed(program: string, args: readonly string[], complaints: string, exitCode: number | null): SluiceError {
  const said = complaints.trim().split("\n").slice(0, 3).join("; ");
  const known = causes.find(({ pattern }) => pattern.test(complaints));
  const context = { command: [program, ...args].join(" "), exit: exitCode ?? -1 };
  if (known !== undefined) return new SluiceError(known.code, `${known.advice} (${said})`, { context });
  return new SluiceError("LAB_FAILED", `${context.command}: ${said || `exit ${context.exit}`}`, { context });
}
