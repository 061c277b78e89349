import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { sluice } from "../bin/command.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

const objects = world().namespace("shop").node("node-a", "172.18.0.1").pod("shop/web", { app: "web" }).objects;

describe("sluice node run", function () {
  this.timeout(60_000);
  needsKernel("nft");
  let [folder, namespace] = ["", ""];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-node-run-"));
    await writeFile(join(folder, "all.yaml"), objects.map((object) => stringify(object)).join("---\n"));
    namespace = makeNamespace("noderun");
  });

  after(async () => {
    deleteNamespace(namespace);
    await rm(folder, { recursive: true });
  });

  for (const { title, args } of [
    { title: "with an archive of its own", args: [] },
    { title: "while no broker answers", args: ["--bus.brokers", "127.0.0.1:9"] },
  ])
    it(`enforces ${title}, prints nothing but the log, and leaves its rules in force at the end`, async () => {
      const run = sluice(
        ...["node", "run", "--objects.folder", folder, "--seat", `node-a=${namespace}`, "--metrics.listen", "off"],
        ...["--data.folder", join(folder, `data-${args.length}`), ...args],
      );
      await until("it to be ready", () => run.printed.err.includes('"msg":"ready"'), 30_000);
      run.process.kill("SIGTERM");
      assert.equal(await run.ended, 0, run.printed.err);
      assert.equal(run.printed.out, "");
      assert.match(runIn(namespace, "nft", "list", "tables"), /table inet sluice\b/);
    });
});
