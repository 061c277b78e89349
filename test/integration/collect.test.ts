import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";

// `sluice collect` as a container runs it: in the node's network, with one capability, as nobody, on a file system that cannot be written
// to but for the data folder.

const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
const nobody = 65_534;

interface Ran {
  readonly process: ChildProcess;
  readonly printed: { out: string; err: string };
  readonly ended: Promise<number | null>;
}

interface Wrapping {
  /** Capabilities that are left, as setpriv(1) has them. */
  readonly capabilities?: string;
  readonly data: string;
}

/** Runs `sluice collect` in the router's network so wrapped. */
function collect(lab: RouterLab, { capabilities = "+net_admin", data }: Wrapping, ...args: readonly string[]): Ran {
  const caps = `-all${capabilities === "" ? "" : `,${capabilities}`}`;
  const script = [
    "set -e",
    "mount --make-rprivate /",
    `mount -t tmpfs -o uid=${nobody},gid=${nobody} none "$1"`,
    "mount -o remount,bind,ro /",
    "shift",
    `exec setpriv --reuid ${nobody} --regid ${nobody} --clear-groups --inh-caps=${caps} --ambient-caps=${caps} --bounding-set=${caps} -- "$@"`,
  ].join("\n");
  const words = [
    process.execPath,
    program,
    "collect",
    "--metrics.listen",
    "off",
    "--data.folder",
    join(data, "kept"),
    ...args,
  ];
  const inside = ["netns", "exec", lab.router, "unshare", "-m", "sh", "-c", script, "sh", data, ...words];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_")));
  return ranOf(spawn("ip", inside, { env, stdio: ["ignore", "pipe", "pipe"] }));
}

function ranOf(child: ChildProcess): Ran {
  const printed = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    printed.err += text;
  });
  return { process: child, printed, ended: once(child, "close").then(([code]) => code as number | null) };
}

const ready = ({ printed }: Ran) => until("it to be ready", () => printed.err.includes('"msg":"ready"'), 15_000);

interface Line {
  readonly type: string;
  readonly seq: number;
  readonly destinationPort?: number;
  readonly verdictSource?: string;
  readonly packets?: number;
}

const linesOf = ({ printed }: Ran) =>
  printed.out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
const toPort = (lines: readonly Line[], port: number) =>
  lines.filter(({ destinationPort }) => destinationPort === port);

describe("sluice collect", function () {
  this.timeout(60_000);
  needsKernel("nft", "setpriv");
  const lab = new RouterLab();
  const running: Ran[] = [];
  let data = "";

  before(() => {
    lab.up();
    data = mkdtempSync(join(tmpdir(), "sluice-collect-"));
  });
  afterEach(async () => {
    for (const { process: child, ended } of running.splice(0)) {
      child.kill("SIGKILL");
      await ended;
    }
  });
  after(() => {
    lab.down();
    rmSync(data, { recursive: true, force: true });
  });

  function start(wrapping: Partial<Wrapping>, ...args: readonly string[]): Ran {
    const ran = collect(lab, { data, ...wrapping }, ...args);
    running.push(ran);
    return ran;
  }

  it("needs CAP_NET_ADMIN and nothing else, with a root file system that is read-only", async () => {
    const ran = start({}, "--collector.window-ms", "500", "--dns.enabled", "true");
    await ready(ran);
    assert.match(lab.run("router", ["nft", "list", "tables"]), /sluice_dns/);
    await lab.traffic("a", "udp", "10.99.2.2", 4_000, 100, 3, 30_000);
    await until("the flow", () => toPort(linesOf(ran), 4_000).length > 0, 15_000);
    ran.process.kill("SIGTERM");
    assert.equal(await ran.ended, 0, ran.printed.err);
    const lines = linesOf(ran);
    assert.equal(
      toPort(lines, 4_000).reduce((sum, { packets = 0 }) => sum + packets, 0),
      3,
    );
    assert.equal(toPort(lines, 4_000)[0]?.verdictSource, "unknown", "it knows no policy");
    assert.deepEqual(
      lines.map(({ seq }) => seq).sort((a, b) => a - b),
      lines.map((_, at) => at),
    );
    assert.ok(lines.some(({ type }) => type === "heartbeat"));
    assert.doesNotMatch(lab.run("router", ["nft", "list", "tables"]), /sluice/, "nothing is left behind");
  });

  const refusals = [
    { title: "without CAP_NET_ADMIN", capabilities: "", args: [], says: /CAP_NET_ADMIN is missing: .* root/ },
    {
      title: "of other namespaces without CAP_SYS_ADMIN",
      capabilities: "+net_admin",
      args: ["--seat", "node-1=elsewhere"],
      says: /CAP_SYS_ADMIN is missing: .*--seat/,
    },
  ] as const;
  for (const { title, capabilities, args, says } of refusals)
    it(`says which right is missing ${title}`, async () => {
      const ran = start({ capabilities }, ...args);
      assert.equal(await ran.ended, 1);
      assert.match(ran.printed.err, says);
      assert.equal(ran.printed.out, "");
    });

  it("says who reads its group, and which one is free", async () => {
    const other = await reader(lab, 5);
    const refused = start({});
    assert.equal(await refused.ended, 1);
    assert.match(refused.printed.err, /reads NFLOG group 5, .*--collector\.nflog-group 4/);
    const ran = start({}, "--collector.nflog-group", "4");
    await ready(ran);
    ran.process.kill("SIGTERM");
    assert.equal(await ran.ended, 0);
    await other();
  });

  it("keeps what its reader did not take, and tells it again", async () => {
    const kept = mkdtempSync(join(tmpdir(), "sluice-collect-kept-"));
    const args = ["--metrics.listen", "off", "--data.folder", kept, "--collector.window-ms", "300"];
    const begin = () => {
      const ran = ranOf(
        spawn("ip", ["netns", "exec", lab.router, process.execPath, program, "collect", ...args], {
          stdio: ["ignore", "pipe", "pipe"],
        }),
      );
      running.push(ran);
      return ran;
    };
    const first = begin();
    await ready(first);
    first.process.stdout?.destroy();
    await lab.traffic("a", "udp", "10.99.2.2", 4_001, 100, 5, 30_001);
    await first.ended;
    const second = begin();
    await until("the flow", () => toPort(linesOf(second), 4_001).length > 0, 15_000);
    second.process.kill("SIGTERM");
    await second.ended;
    assert.equal(
      toPort(linesOf(second), 4_001).reduce((sum, { packets = 0 }) => sum + packets, 0),
      5,
    );
    rmSync(kept, { recursive: true });
  });
});

/** Another program that reads a group; the result ends it. */
async function reader(lab: RouterLab, group: number): Promise<() => Promise<void>> {
  const path = new URL("../collectors/read-group.ts", import.meta.url).pathname;
  const child = spawn("ip", ["netns", "exec", lab.router, process.execPath, path, String(group)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return async () => {
    child.kill("SIGTERM");
    await once(child, "close");
  };
}
