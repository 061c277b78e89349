import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { systemClock } from "../../core/clock.ts";
import type { Load, LoadLab } from "./load-lab.ts";

/** What a program made of the load. */
export interface Made {
  readonly load: Load;
  /** CPU time of its process, in the kernel too. */
  readonly cpuSeconds: number;
  /** Datagrams that the kernel had no room for. */
  readonly lost: number;
}

interface Traffic {
  readonly perSecond: number;
  readonly count: number;
  readonly denied: number;
}

const plugins = [
  ...["inppkt_NFLOG", "inpflow_NFCT", "raw2packet_BASE", "filter_IFINDEX", "filter_IP2STR", "output_JSON"],
];

/** Where ulogd and its plugins are: installed, or unpacked below SLUICE_ULOGD. */
const root = process.env["SLUICE_ULOGD"] ?? "";
const program = `${root}/usr/sbin/ulogd`;
const pluginFolder = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
  .map((machine) => `${root}/usr/lib/${machine}/ulogd`)
  .find(existsSync);

export const hasUlogd = existsSync(program) && pluginFolder !== undefined;

/** ulogd2 (NFCT and NFLOG, each to JSON in a file), a line per event. */
export async function ulogd(lab: LoadLab, traffic: Traffic): Promise<Made> {
  const folder = mkdtempSync(`${tmpdir()}/sluice-ulogd-`);
  const config = `${folder}/ulogd.conf`;
  const buffers = "netlink_socket_buffer_size=16777216\nnetlink_socket_buffer_maxsize=33554432";
  writeFileSync(
    config,
    [
      "[global]",
      `logfile="${folder}/log"`,
      ...plugins.map((name) => `plugin="${pluginFolder}/ulogd_${name}.so"`),
      "stack=ct:NFCT,ip2str:IP2STR,jsonct:JSON",
      "stack=log:NFLOG,base:BASE,ifi:IFINDEX,ip2str:IP2STR,jsonlog:JSON",
      `[ct]\nhash_enable=0\nevent_mask=0x00000005\n${buffers}`,
      `[log]\ngroup=5\nnetlink_qthreshold=64\nnetlink_qtimeout=10\n${buffers}`,
      `[jsonct]\nfile="${folder}/ct.json"\nsync=0`,
      `[jsonlog]\nfile="${folder}/log.json"\nsync=0\n`,
    ].join("\n"),
  );
  try {
    return await measured(lab, traffic, [program, "-c", config]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `conntrack -E -o extended` with a large buffer, its lines thrown away. */
export function conntrack(lab: LoadLab, traffic: Traffic): Promise<Made> {
  return measured(lab, traffic, ["conntrack", "-E", "-e", "NEW,DESTROY", "-o", "extended", "-b", "33554432"]);
}

async function measured(
  lab: LoadLab,
  { perSecond, count, denied }: Traffic,
  command: readonly string[],
): Promise<Made> {
  const child = lab.start(command);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const pid = child.pid as number;
  try {
    await until(() => socketsOf(lab).some(({ groups }) => groups !== 0));
    const before = cpuSecondsOf(pid);
    const load = await lab.load(perSecond, count, denied);
    await until(() => socketsOf(lab).every(({ waiting }) => waiting === 0));
    const lost = socketsOf(lab).reduce((sum, { drops }) => sum + drops, 0);
    return { load, cpuSeconds: cpuSecondsOf(pid) - before, lost };
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(20);
}

/** The netfilter sockets of programs in the namespace. */
function socketsOf(lab: LoadLab) {
  const [, ...lines] = lab.run(["cat", "/proc/net/netlink"]).trim().split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, protocol, port]) => protocol === "12" && port !== "0")
    .map(([, , , groups = "0", waiting, , , , drops]) => ({
      groups: Number.parseInt(groups, 16),
      waiting: Number(waiting),
      drops: Number(drops),
    }));
}

/** The first number of schedstat is nanoseconds on a CPU (Documentation/scheduler/sched-stats.rst). */
function cpuSecondsOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e9;
}
