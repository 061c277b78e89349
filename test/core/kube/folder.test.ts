import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../../core/clock.ts";
import { folderSource } from "../../../core/kube/folder.ts";
import type { ManifestFault } from "../../../core/kube/manifest.ts";
import type { Change } from "../../../core/kube/watch.ts";
import { silentLog } from "../../../core/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/until.ts";

const pod = (name: string, value = "1") =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n  labels: {version: "${value}"}\n`;

/** A real folder, and what its source tells. */
class Watched {
  readonly path: string;
  readonly batches: string[][] = [];
  readonly faults: ManifestFault[] = [];
  readonly mended: ManifestFault[] = [];
  readonly clock = new FakeClock();
  readonly #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** Follows the folder with real time or, as `clock`, with time that stands still. */
  async start(clock = systemClock): Promise<void> {
    const source = folderSource({
      path: this.path,
      clock,
      log: silentLog,
      debounceMs: 10,
      rescanMs: 60_000,
      onFault: (fault) => this.faults.push(fault),
      onMended: (fault) => this.mended.push(fault),
    });
    this.#following = (async () => {
      for await (const batch of source.watch(this.#stop.signal)) this.batches.push(batch.map(wordsFor));
    })();
    await Promise.race([this.#following, until("the first batch", () => this.batches.length > 0)]);
  }

  async write(file: string, ...documents: string[]): Promise<void> {
    await mkdir(dirname(join(this.path, file)), { recursive: true });
    await writeFile(join(this.path, file), documents.join("---\n"));
  }

  /** Waits for a batch after the first that tells this. */
  async told(...changes: string[]): Promise<void> {
    const wanted = JSON.stringify(changes);
    await until(`a batch ${wanted}`, () =>
      this.batches.slice(1).some((batch) => JSON.stringify(batch) === wanted),
    ).catch((thrown: unknown) => assert.fail(`${String(thrown)}; got ${JSON.stringify(this.batches)}`));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }
}

/** Folders that this process has the kernel watch, as libuv shares one inotify descriptor (proc_pid_fdinfo(5)). */
function watches(): number {
  const texts = readdirSync("/proc/self/fdinfo").map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    } catch {
      return ""; // the one that reading the folder itself took
    }
  });
  return [...texts.join("").matchAll(/^inotify wd:/gm)].length;
}

function wordsFor(change: Change): string {
  if (change.type === "synced") return "synced";
  return `${change.type} ${change.object.metadata.name}=${change.object.metadata.labels?.["version"]}`;
}

describe("core/kube/folder", function () {
  this.timeout(20_000); // real files or processes, on a machine that may be busy
  let parent: string;
  let folder: Watched;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "sluice-folder-"));
    await mkdir(join(parent, "objects"));
    folder = new Watched(join(parent, "objects"));
  });
  afterEach(async () => {
    await folder.stop().catch(() => {});
    await rm(parent, { recursive: true });
  });

  it("tells all objects below the folder in one batch, closing with synced", async () => {
    await folder.write("a.yaml", pod("a"), pod("b"));
    await folder.write("deep/er/c.yml", pod("c"));
    await folder.write("d.json", JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: "d" } }));
    await folder.start();
    assert.deepEqual(folder.batches, [["upsert d=undefined", "upsert a=1", "upsert b=1", "upsert c=1", "synced"]]);
  });

  it("leaves out hidden files, hidden folders and files of other kinds", async () => {
    for (const file of [".a.yaml", ".git/b.yaml", "c.txt", "d.yaml~", "e.yaml.swp"]) await folder.write(file, pod("x"));
    await folder.start();
    assert.deepEqual(folder.batches, [["synced"]]);
  });

  it("follows links to files and folders, but not in circles", async () => {
    await mkdir(join(parent, "elsewhere"));
    await writeFile(join(parent, "elsewhere", "a.yaml"), pod("a"));
    await symlink(join(parent, "elsewhere"), join(folder.path, "linked"));
    await symlink("..", join(parent, "elsewhere", "up"));
    await symlink(folder.path, join(folder.path, "self"));
    await symlink("nowhere", join(folder.path, "broken.yaml"));
    await folder.start();
    assert.deepEqual(folder.batches, [["upsert a=1", "synced"]]);
    assert.equal(
      folder.faults.every(({ message }) => message.includes("which counts")),
      true,
    );
  });

  for (const { title, change, told } of [
    {
      title: "a file that is added",
      change: (f: Watched) => f.write("new.yaml", pod("b")),
      told: ["upsert b=1"],
    },
    {
      title: "a file that is written over",
      change: (f: Watched) => f.write("a.yaml", pod("a", "2")),
      told: ["upsert a=2"],
    },
    {
      title: "a file that another is renamed to, as editors do",
      change: async (f: Watched) => {
        await writeFile(join(f.path, ".a.yaml.new"), pod("a", "2"));
        await rename(join(f.path, ".a.yaml.new"), join(f.path, "a.yaml"));
      },
      told: ["upsert a=2"],
    },
    {
      title: "a file that is deleted",
      change: (f: Watched) => rm(join(f.path, "a.yaml")),
      told: ["delete a=1"],
    },
    {
      title: "a file in a folder that is new",
      change: (f: Watched) => f.write("x/y/z.yaml", pod("z")),
      told: ["upsert z=1"],
    },
    {
      title: "a folder that is deleted",
      change: (f: Watched) => rm(join(f.path, "sub"), { recursive: true }),
      told: ["delete s=1"],
    },
  ])
    it(`follows ${title}`, async () => {
      await folder.write("a.yaml", pod("a"));
      await folder.write("sub/s.yaml", pod("s"));
      await folder.start();
      await change(folder);
      await folder.told(...told);
    });

  it("follows a change in a folder that came after the start", async () => {
    await folder.start();
    await folder.write("late/a.yaml", pod("a"));
    await folder.told("upsert a=1");
    await folder.write("late/a.yaml", pod("a", "2"));
    await folder.told("upsert a=2");
  });

  it("reports a fault with file, document and field, and tells when it is mended", async () => {
    await folder.write("a.yaml", pod("a"), pod("b"));
    await folder.start();
    await folder.write("a.yaml", pod("a"), pod("b").replace('"1"', "1"));
    await until("the fault", () => folder.faults.length > 0);
    const [{ file, document, line, field }] = folder.faults as [ManifestFault];
    assert.deepEqual(
      { file, document, line, field },
      { file: "a.yaml", document: 2, line: 7, field: "metadata.labels[version]" },
    );
    assert.equal(folder.batches.length, 1);
    await folder.write("a.yaml", pod("a"), pod("b", "2"));
    await folder.told("upsert b=2");
    assert.equal(folder.mended.length, 1);
  });

  it("keeps everything when the folder is deleted, and goes on when it is back", async () => {
    await folder.write("a.yaml", pod("a"));
    await folder.start();
    await rename(folder.path, `${folder.path}.away`);
    await until("the fault", () => folder.faults.length > 0);
    assert.equal(folder.faults[0]?.file, "");
    await rename(`${folder.path}.away`, folder.path);
    await folder.write("b.yaml", pod("b"));
    await folder.told("upsert b=1");
    assert.equal(folder.mended.length, 1);
  });

  it("looks again in time, also when the kernel tells of nothing", async () => {
    const clock = new FakeClock();
    await mkdir(join(parent, "elsewhere"));
    await writeFile(join(parent, "elsewhere", "a"), pod("a"));
    await symlink(join(parent, "elsewhere", "a"), join(folder.path, "a.yaml"));
    await folder.start(clock);
    await writeFile(join(parent, "elsewhere", "a"), pod("a", "2"));
    await until("the source to sleep", () => clock.sleeping > 0);
    assert.equal(folder.batches.length, 1);
    await clock.advance(60_000);
    await clock.advance(10);
    await folder.told("upsert a=2");
  });

  it("reads a file that is changed twice within one tick of the kernel's clock", async () => {
    await folder.write("a.yaml", pod("a", "1"));
    await folder.start();
    for (const value of ["2", "3", "4", "5"]) {
      await folder.write("a.yaml", pod("a", value));
      await folder.told(`upsert a=${value}`);
    }
  });

  it("follows a mounted ConfigMap, which is switched as a whole by renaming a link", async () => {
    const publish = async (version: string) => {
      await folder.write(`..${version}/a.yaml`, pod("a", version));
      await folder.write(`..${version}/b.yaml`, pod("b", version));
      await symlink(`..${version}`, join(folder.path, "..data_tmp"));
      await rename(join(folder.path, "..data_tmp"), join(folder.path, "..data"));
    };
    await publish("1");
    for (const file of ["a.yaml", "b.yaml"]) await symlink(`..data/${file}`, join(folder.path, file));
    await folder.start();
    assert.deepEqual(folder.batches, [["upsert a=1", "upsert b=1", "synced"]]);
    await publish("2");
    await folder.told("upsert a=2", "upsert b=2");
    assert.deepEqual(folder.faults, []);
  });

  it("reports a file larger than any manifest without reading it, and one that is no file", async () => {
    await writeFile(join(folder.path, "dump.yaml"), "");
    await truncate(join(folder.path, "dump.yaml"), 65 * 1024 * 1024);
    await symlink("/dev/zero", join(folder.path, "zero.yaml"));
    await folder.write("a.yaml", pod("a"));
    await folder.start();
    assert.deepEqual(folder.batches, [["upsert a=1", "synced"]]);
    assert.deepEqual(
      folder.faults.map(({ file, message }) => `${file} ${message}`),
      ["dump.yaml is larger than 67108864 bytes", "zero.yaml is no file"],
    );
  });

  it("leaves no watch of the kernel behind", async () => {
    await folder.write("sub/s.yaml", pod("s"));
    const before = watches();
    await folder.start();
    assert.equal(watches(), before + 2);
    await folder.stop();
    assert.equal(watches(), before);
  });

  it("reports a file that is not UTF-8", async () => {
    await writeFile(join(folder.path, "a.yaml"), Uint8Array.of(0x61, 0xff, 0xfe));
    await folder.start();
    assert.match(String(folder.faults[0]?.message), /utf-8/);
  });

  for (const { title, path } of [
    { title: "is not there", path: "missing" },
    { title: "is a file", path: "file" },
  ])
    it(`refuses to start with a folder that ${title}`, async () => {
      await writeFile(join(parent, "file"), "");
      const source = folderSource({ path: join(parent, path), clock: systemClock, log: silentLog });
      const first = source.watch(new AbortController().signal)[Symbol.asyncIterator]().next();
      await assert.rejects(first, { code: "MANIFEST_INVALID" });
    });

  it("ends when the signal aborts", async () => {
    await folder.start();
    await folder.stop();
    assert.equal(folder.batches.length, 1);
  });
});
