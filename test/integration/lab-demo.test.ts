import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { callsFrom } from "../../lab/call-plan.ts";
import type { Lab } from "../../lab/lab.ts";
import { readLab, workingCopy } from "../../lab/lab-folder.ts";
import { ManifestFolder } from "../../lab/manifest-folder.ts";
import type { Scenario } from "../../lab/scenario.ts";
import { needsLab } from "../lab/needs-lab.ts";

const folder = fileURLToPath(new URL("../../lab/demo", import.meta.url));

describe("the demo's cluster without any policy", function () {
  this.timeout(60_000);
  needsLab();

  let lab: Lab;
  let scenario: Scenario;
  before(async () => {
    ({ lab, scenario } = await readLab({ name: "labdemo", folder, clock: systemClock, log: silentLog }));
    await lab.up();
    await lab.startAgents();
  });
  after(() => lab?.down());

  it("answers every call of the scenario, so that a denial is the work of policy", async () => {
    const callers = [...new Set(scenario.calls.map(({ from }) => from))];
    const present = callers.filter((caller) => !caller.includes("/reports-"));
    assert.equal(present.length, callers.length - 1);
    for (const caller of present) {
      const agent = await lab.agent(caller.replace(/^pod:/, ""));
      for (const { name, probe } of callsFrom(caller, scenario.calls, lab.plan)) {
        const { answered, error } = await agent.probe({ ...probe, timeoutMs: 5000 });
        assert.ok(answered, `${name}: ${error}`);
      }
    }
  });

  it("has a working copy of its manifests that says the same", async () => {
    const copy = await workingCopy(lab, folder);
    assert.deepEqual(await new ManifestFolder(copy).objects(), await new ManifestFolder(folder).objects());
  });
});
