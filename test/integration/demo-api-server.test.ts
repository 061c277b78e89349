import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Flow } from "../../core/records/flow.ts";
import { apiServerProgram, lacksApiServer } from "../../lab/api-server/build.ts";
import { sluice } from "../bin/command.ts";
import { needsKernel } from "../support/needs-kernel.ts";

type Printed = (Flow & { readonly type: "flow" }) | (ChangeRecord & { readonly type: "change" });

describe("sluice demo --api-server", function () {
  this.timeout(120_000);
  needsKernel("nft");
  let records: readonly Printed[] = [];
  let [code, err]: [number | null, string] = [null, ""];
  let folder = "";

  before(async function () {
    this.timeout(1_200_000); // the server may have to be built
    const lacking = lacksApiServer();
    if (lacking !== undefined && process.env["CI"] !== undefined) throw new Error(`${lacking}, and CI is set`);
    if (lacking !== undefined) {
      console.log(`skipped: ${lacking}`);
      this.skip();
    }
    await apiServerProgram((line) => console.log(`      ${line}`));
    folder = mkdtempSync(join(tmpdir(), "sluice-demo-"));
    const run = sluice("demo", "--api-server", "--duration", "20s", "-o", "jsonl", "--data.folder", folder);
    code = await run.ended;
    err = run.printed.err;
    records = run.printed.out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Printed);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const changesBy = (user: string) =>
    records.flatMap((record) => (record.type === "change" && record.actor?.user === user ? [record] : []));

  it("ends by itself, with exit code 0 and nothing left behind", () => {
    assert.equal(code, 0, err);
    assert.doesNotMatch(execFileSync("ip", ["netns", "list"], { encoding: "utf8" }), /sluice-demo-/);
  });

  it("tells who closed the way to payments, and which policy denies it from then on", () => {
    const [made] = changesBy("sam");
    assert.deepEqual([made?.control?.verb, made?.control?.authorised], ["create", "yes"]);
    assert.match(made?.control?.effectWords ?? "", /^closes: pods of namespace prod-web/);
    const denied = records.filter(
      (record) => record.type === "flow" && record.enforced.some((step) => step.includes("security.lockdown|deny")),
    );
    assert.ok(denied.length > 0);
  });

  it("tells who was refused, and who did something that was not authorised", () => {
    const [refused, opened] = changesBy("ada");
    assert.deepEqual([refused?.control?.refused, refused?.control?.name], [true, "security.lockdown"]);
    assert.deepEqual([opened?.control?.name, opened?.control?.authorised], ["app.cart-for-all", "no"]);
    assert.match(opened?.control?.reasons.join() ?? "", /example\.com\/ticket is missing/);
  });
});
