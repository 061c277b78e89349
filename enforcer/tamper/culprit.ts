import { readFileSync } from "node:fs";

// What /proc/PID tells of a process (proc_pid_*(5)), read at once: a program like nft is gone within a millisecond.

/** Who changed the ruleset. */
export interface Culprit {
  /** As the kernel numbers it, in the machine's first pid namespace; 0 if it does not say. */
  readonly pid: number;
  readonly program: string;
  /** Null from here on: it was gone before it could be looked at. */
  readonly commandLine: string | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** Who logged in, whatever user they have become by then. */
  readonly login: string | null;
  /** Id of the container, and of its pod where the control group says so. */
  readonly container: string | null;
  /** `bash (pid 812)`: what started it, and what started that; with the first one's command line where its own is not known. */
  readonly ancestors: readonly string[];
}

/** Reads a file; undefined if it is not there. */
export type Read = (path: string) => string | undefined;

export const readProc: Read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/** Longer command lines tell no more, and records are kept for years. */
const longest = 500;
const mostAncestors = 6;
const nobody = 4_294_967_295;

/** What is gone first. */
export interface Glimpse {
  readonly commandLine: string | undefined;
  readonly status: string | undefined;
}

export function glimpseOf(pid: number, read: Read = readProc): Glimpse {
  if (pid === 0) return { commandLine: undefined, status: undefined };
  return { commandLine: read(`/proc/${pid}/cmdline`), status: read(`/proc/${pid}/status`) };
}

/** `pid` and `program` are the kernel's; a process with another name has the id by now, and is not meant. */
export function culpritOf(
  { pid, program }: { readonly pid: number; readonly program: string },
  { commandLine, status }: Glimpse,
  read: Read = readProc,
): Culprit {
  const unknown = { commandLine: null, uid: null, user: null, login: null, container: null, ancestors: [] };
  if (status === undefined || field(status, "Name") !== program) return { pid, program, ...unknown };
  const cgroup = read(`/proc/${pid}/cgroup`) ?? "";
  const login = Number(read(`/proc/${pid}/loginuid`) ?? nobody);
  // Names as this process knows them: a file of the culprit's own root may be anything, a pipe that never ends as well.
  const passwd = read("/etc/passwd") ?? "";
  const uid = Number(field(status, "Uid")?.split("\t")[0]);
  return {
    pid,
    program,
    commandLine: commandText(commandLine ?? ""),
    uid,
    user: userName(passwd, uid),
    login: login === nobody ? null : userName(passwd, login),
    container: containerOf(cgroup),
    ancestors: ancestorsOf(Number(field(status, "PPid")), read, !commandLine),
  };
}

/** By name: what else the command lines of a machine's processes hold is nobody's business here. */
function ancestorsOf(parent: number, read: Read, withCommand: boolean): readonly string[] {
  const found: string[] = [];
  let pid = parent;
  while (pid > 0 && found.length < mostAncestors) {
    const status = read(`/proc/${pid}/status`);
    if (status === undefined) break;
    const command = withCommand && found.length === 0 ? commandText(read(`/proc/${pid}/cmdline`) ?? "") : null;
    found.push(`${field(status, "Name")} (pid ${pid})${command === null ? "" : `: ${command}`}`);
    pid = Number(field(status, "PPid"));
  }
  return found;
}

/** What comes after `--password` and the like. */
const secret = /((?:password|passwd|token|secret|api-?key)[=: ]+)\S+/gi;

/** Arguments end with NUL each; empty for a process that has ended but is not yet waited for. */
function commandText(cmdline: string): string | null {
  const text = cmdline.replace(/\0+$/, "").replaceAll("\0", " ").replace(secret, "$1***");
  if (text === "") return null;
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\t(.*)$`, "m").exec(status)?.[1];
}

/** passwd(5); the number where it has no name. */
function userName(passwd: string, uid: number): string {
  const line = passwd.split("\n").find((each) => each.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? String(uid);
}

// cgroup => ("0::" | number ":" controllers ":") path newline      cgroups(7); the path as container runtimes name it:
// .../kubepods-besteffort-pod<uid with _>.slice/cri-containerd-<id>.scope, /docker/<id>, /kubepods/burstable/pod<uid>/<id>
const containerId = /(?:^|[-/])([0-9a-f]{64})(?:\.scope)?(?:\/|$)/;
const podUid = /pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})/;

/** `0123456789ab`, `0123456789ab of pod <uid>`; null outside of containers. */
export function containerOf(cgroup: string): string | null {
  for (const line of cgroup.split("\n")) {
    const path = line.split(":").slice(2).join(":");
    const [, id] = containerId.exec(path) ?? [];
    const [, pod] = podUid.exec(path) ?? [];
    if (id !== undefined || pod !== undefined)
      return [id?.slice(0, 12), pod === undefined ? undefined : `of pod ${pod.replaceAll("_", "-")}`]
        .filter((part) => part !== undefined)
        .join(" ");
  }
  return null;
}
