import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { openStore } from "../../bin/open-store.ts";
import { parseConfig } from "../../core/config.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { type Run, sluice } from "../bin/command.ts";
import { deleteNamespace, makeNamespace } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

const cluster = () =>
  world().namespace("shop", { env: "prod" }).node("node-a", "172.18.0.1").pod("shop/web", { app: "web" });
const closed = () =>
  cluster().policy("shop/app.web", { tier: "default", selector: "app == 'web'", types: ["Ingress"], ingress: [] });
const open = () =>
  cluster().policy("shop/app.web", {
    tier: "default",
    selector: "app == 'web'",
    types: ["Ingress"],
    ingress: [{ action: "Allow" }],
  });

// `sluice up` as processes of their own, on a folder that somebody edits.
describe("the change log of sluice up", function () {
  this.timeout(60_000);
  needsKernel("nft");

  let [folder, namespace] = ["", ""];
  let run: Run | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-change-log-"));
    namespace = makeNamespace("changes");
  });

  afterEach(async () => {
    run?.process.kill("SIGKILL");
    await run?.ended;
  });

  after(async () => {
    deleteNamespace(namespace);
    await rm(folder, { recursive: true });
  });

  const manifests = (objects: readonly KubeObject[]) =>
    writeFile(join(folder, "all.yaml"), objects.map((object) => stringify(object)).join("---\n"));

  async function up(): Promise<Run> {
    const common = ["--objects.folder", folder, "--data.folder", `${folder}/data`, "--seat", `node-a=${namespace}`];
    const started = sluice("up", ...common, "--metrics.listen", "off", "--enforcer.mode", "observe", "-o", "jsonl");
    run = started;
    await until("the service to be ready", () => started.printed.err.includes('"msg":"ready"'), 20_000);
    return started;
  }

  const recordsOf = ({ printed }: Run): readonly ChangeRecord[] =>
    printed.out
      .split("\n")
      .filter((line) => line.startsWith('{"type":"change"'))
      .map((line) => JSON.parse(line) as ChangeRecord);

  const told = (from: Run, summary: string) =>
    until(`"${summary}"`, () => recordsOf(from).find((record) => record.summary === summary), 15_000);

  async function kept(): Promise<readonly ChangeRecord[]> {
    const store = await openStore(parseConfig({ flags: { "data.folder": `${folder}/data` } }));
    try {
      return await store.changes({ since: 0, until: 2 ** 52 });
    } finally {
      await store.close();
    }
  }

  it("tells what an edit opened, and after a kill what was edited meanwhile; each once", async () => {
    await manifests(closed().objects);
    const first = await up();
    await told(first, "begins the change log");
    await manifests(open().objects);
    const opened = await told(first, "changed spec/ingress/0 of NetworkPolicy shop/app.web");
    assert.equal(opened.control?.effectWords, "opens: anybody -> all pods (1): everything");
    await until("it to be kept", async () =>
      (await readFile(`${folder}/data/controls/snapshot`, "utf8")).includes("Allow"),
    );
    first.process.kill("SIGKILL");
    await first.ended;

    await manifests(cluster().objects);
    const second = await up();
    const gone = await told(second, "deleted NetworkPolicy shop/app.web");
    assert.deepEqual([gone.control?.foundAtStart, gone.control?.effectState], [true, "exact"]);
    assert.ok(gone.start >= opened.foundAt - 1_000 && gone.start <= gone.foundAt);
    second.process.kill("SIGTERM");
    assert.equal(await second.ended, 0, second.printed.err);

    // The first run was killed before its archive wrote a file: what it had told, the second told again, the very same.
    assert.deepEqual(
      (await kept()).map(({ id }) => id),
      [recordsOf(first)[0]?.id, opened.id, gone.id],
    );
  });
});
