import assert from "node:assert/strict";
import { podInterface } from "../../lab/names.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Program } from "../../policy/program.ts";
import type { Verdict } from "../../policy/verdict.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { WorldBuilder } from "../support/world.ts";
import { type Hits, HostLab, pods } from "./host-lab.ts";
import { hitsOf, type Outcome, outcomeOf, packetOf, parseRow } from "./host-row.ts";
import { scenes } from "./host-table.ts";

const link = (pod: string) => podInterface(...(pod.split("/") as [string, string]));

/** Whatever is made about host endpoints is staged, and until then they are open. */
class StagedWorld extends WorldBuilder {
  constructor(base: WorldBuilder) {
    super();
    this.objects.push(...base.objects);
  }

  override global(name: string, spec: object): this {
    return this.staged(name, { stagedAction: "Set", ...spec });
  }

  override host(name: string, spec: object, labels = {}): this {
    return super.host(name, { ...spec, profiles: ["projectcalico-default-allow"] }, labels);
  }
}

// The very scenes of the table of host endpoints, with their policies staged.
describe("what is staged about host endpoints, in this machine's kernel", function () {
  this.timeout(60_000);
  needsKernel("nft", "conntrack");

  const hosts = new HostLab("stagedhosts");
  before(() => hosts.up());
  after(() => hosts.down());

  for (const { title, given, rows, untracked } of scenes)
    describe(title, () => {
      // Whom the pods' own policies deny, those of hosts may never see.
      const parsed = rows.map(parseRow);
      const verdicts: Verdict[] = [];
      const outcomes = new Map<string, Outcome>();
      const inForce = new Map<string, Verdict>();
      let hits: Hits;
      let pending: Program;

      before(async () => {
        const world = await hosts.enforce(given(new StagedWorld(pods()), link));
        const { program, placement } = world.pending();
        pending = program;
        const now = evaluatorOf(world.program(), await hosts.known(world));
        const then = evaluatorOf(pending, await hosts.known({ program: () => program, placement: () => placement }));
        hosts.hits();
        for (const row of parsed) {
          inForce.set(row.text, now(packetOf(hosts, row)));
          verdicts.push(then(packetOf(hosts, row)));
        }
        for (const [text, outcome] of await Promise.all(
          parsed.map(async (row) => [row.text, await outcomeOf(hosts, row)] as const),
        ))
          outcomes.set(text, outcome);
        hits = hosts.hits();
      });

      it("decides nothing", () => {
        for (const { text } of parsed)
          assert.equal(outcomes.get(text) === "allow", inForce.get(text)?.action === "allow", text);
      });

      it("counts what would be decided", () => {
        const isStaged = (counter: string) => pending.rules.get(counter.slice(2) as never)?.kind === "sgnp";
        const found = [...hits].filter(([counter]) => isStaged(counter)).sort();
        const wanted = [...hitsOf(verdicts, pending)].filter(([counter]) => isStaged(counter)).sort();
        const isExact = untracked !== true && verdicts.every(({ action }) => action === "allow");
        if (isExact) assert.deepEqual(found, wanted);
        const counted = new Map(found);
        for (const [counter, times] of wanted)
          assert.ok(
            (counted.get(counter) ?? 0) >= (untracked === true ? 1 : times),
            `${counter} of ${JSON.stringify(found)}`,
          );
      });
    });
});
