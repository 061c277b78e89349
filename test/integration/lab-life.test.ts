import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { command } from "../../lab/command.ts";
import { Lab } from "../../lab/lab.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod } from "../lab/objects.ts";
import { hostState, none, tracesOf } from "../lab/traces.ts";
import { until } from "../support/until.ts";

const name = "lablife";
const objects = [node(1), node(2), pod("shop/web", { ips: ["10.244.1.2"] })];
const make = () => new Lab({ name, objects, clock: systemClock, log: silentLog });

describe("the life of a lab", function () {
  this.timeout(60_000);
  needsLab();
  afterEach(async () => assert.deepEqual(await tracesOf(name), none));

  it("leaves nothing behind, and the machine's own links and rules alone", async () => {
    const before = await hostState();
    const lab = make();
    await lab.up();
    await lab.startAgents();
    const during = await tracesOf(name);
    assert.deepEqual([during.namespaces.length, during.agents.length], [4, 1]);
    assert.equal(await hostState(), before);
    await lab.down();
    assert.equal(await hostState(), before);
  });

  it("ends twice without complaint, and begins again", async () => {
    const lab = make();
    await lab.up();
    await lab.down();
    await lab.down();
    await lab.up();
    await lab.down();
  });

  it("is refused while another of its name lives", async () => {
    const lab = make();
    await lab.up();
    await assert.rejects(make().up(), { code: "LAB_FAILED", message: /is up already, by process \d+/ });
    assert.equal((await tracesOf(name)).namespaces.length, 4);
    await lab.down();
  });

  it("clears what a killed run of its name left", async () => {
    const killed = await abandon();
    await until("agents to end with their lab", async () => (await tracesOf(name)).agents.length === 0);
    const left = await tracesOf(name);
    assert.ok(left.namespaces.length > 0 && left.files.length > 0, `${killed} left nothing`);
    const lab = make();
    await lab.up();
    assert.equal((await tracesOf(name)).namespaces.length, 4);
    await lab.down();
  });

  it("can be cleared after a killed run, without its manifests", async () => {
    await abandon();
    await Lab.clear(name);
  });

  it("is not cleared while it lives", async () => {
    const lab = make();
    await lab.up();
    await assert.rejects(Lab.clear(name), { code: "LAB_FAILED", message: /is up already/ });
    await lab.down();
  });

  it("ends what runs in its namespaces, even a stranger that would hold them", async () => {
    const lab = make();
    await lab.up();
    const stranger = command("ip", ["netns", "exec", `sluice-${name}-node-node-1`, "sleep", "600"]);
    const ended = assert.rejects(stranger, { code: "LAB_FAILED" });
    await until("the stranger to run", async () =>
      /\d/.test(await command("ip", ["netns", "pids", `sluice-${name}-node-node-1`])),
    );
    await lab.down();
    await ended;
  });

  it("is gone when its coming up is aborted", () =>
    assert.rejects(make().up(AbortSignal.abort(new Error("enough"))), { message: "enough" }));

  it("says that it needs root", async () => {
    process.seteuid?.(65534);
    try {
      await assert.rejects(make().up(), { code: "PERMISSION_DENIED", message: /root/ });
    } finally {
      process.seteuid?.(0);
    }
  });

  for (const { title, programs, message } of [
    { title: "says which package is missing without ip", programs: [], message: /iproute2/ },
    { title: "says which package is missing without nft", programs: ["ip"], message: /nftables/ },
  ])
    it(title, () => withPrograms(programs, () => assert.rejects(make().up(), { code: "DEPENDENCY_MISSING", message })));
});

/** Brings a lab up in a process of its own, and kills that. */
async function abandon(): Promise<number | undefined> {
  const child = fork(fileURLToPath(new URL("../lab/abandoned-lab.ts", import.meta.url)), [name]);
  await once(child, "message");
  child.kill("SIGKILL");
  await once(child, "exit");
  return child.pid;
}

/** Runs work with a PATH that holds these programs only. */
async function withPrograms(programs: readonly string[], work: () => Promise<void>): Promise<void> {
  const path = process.env["PATH"] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "sluice-path-"));
  for (const program of programs) await symlink((await command("which", [program])).trim(), join(folder, program));
  process.env["PATH"] = folder;
  try {
    await work();
  } finally {
    process.env["PATH"] = path;
    await rm(folder, { recursive: true });
  }
}
