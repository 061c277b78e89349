import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createInterface } from "node:readline";
import { systemClock } from "../../core/clock.ts";
import type { Flow } from "../../core/records/flow.ts";
import { connectionName } from "../../sinks/live/first-seen.ts";
import { sluice } from "../bin/command.ts";
import { needsKernel } from "../support/needs-kernel.ts";

/** A record, and how long after its connection began it was printed. */
interface Printed {
  readonly flow: Flow;
  readonly lateMs: number;
}

// What a person sees who tries the product for the first time, as records instead of a table.
describe("sluice demo", function () {
  this.timeout(60_000);
  needsKernel("nft");

  const printed: Printed[] = [];
  let [code, err]: [number | null, string] = [null, ""];

  before(async () => {
    const run = sluice("demo", "--duration", "20s", "-o", "jsonl");
    if (run.process.stdout === null) throw new Error("no output to read");
    createInterface({ input: run.process.stdout }).on("line", (line) => {
      const record = JSON.parse(line) as Flow & { readonly type: string };
      if (record.type === "flow") printed.push({ flow: record, lateMs: systemClock.now() - record.startedAt / 1000 });
    });
    code = await run.ended;
    err = run.printed.err;
  });

  const told = (action: Flow["action"]) =>
    printed.map(({ flow }) => flow).filter((flow) => flow.authoritative && flow.action === action);

  it("ends by itself, with exit code 0 and nothing left behind", () => {
    assert.equal(code, 0, err);
    assert.doesNotMatch(execFileSync("ip", ["netns", "list"], { encoding: "utf8" }), /sluice-demo-/);
  });

  for (const tier of ["platform", "security", "app", "default"])
    it(`tells of allowed and denied connections of tier ${tier}, both by the kernel's word`, () => {
      const deciding = (action: Flow["action"]) => (step: string) =>
        step.includes(`|${tier}|`) && step.includes(`|${action}|`);
      for (const action of ["allow", "deny"] as const) {
        const found = told(action).filter(({ enforced }) => enforced.some(deciding(action)));
        assert.ok(found.length > 0, `none with ${action}`);
        assert.deepEqual([...new Set(found.map(({ verdictSource }) => verdictSource))], ["kernel"]);
      }
    });

  it("names the host endpoint of the node that a dev pod may not reach", () => {
    const found = told("deny").filter(({ destination }) => destination?.kind === "host");
    assert.ok(found.length > 0);
    for (const { source, destination, enforced, verdictSource } of found) {
      assert.equal(source?.namespace, "dev-shop");
      assert.deepEqual([destination?.name, destination?.node, verdictSource], ["prod-node-2", "node-2", "kernel"]);
      assert.deepEqual(enforced, ["0|security|gnp:security.prod-nodes-not-from-dev|deny|0"]);
    }
    // What its own node let go out is no record of its own.
    const isFromDev = ({ source, destination }: Flow) =>
      source?.namespace === "dev-shop" && destination?.name === "prod-node-2";
    assert.deepEqual(told("allow").filter(isFromDev), []);
  });

  it("names what the gateway calls outside by what it asked DNS for, allowed or denied", () => {
    for (const [action, domain] of [
      ["allow", "bank.example"],
      ["deny", "pastebin.example"],
    ] as const) {
      const found = told(action).filter(({ destinationDomain }) => destinationDomain === domain);
      assert.ok(found.length > 0, domain);
      assert.deepEqual([...new Set(found.map(({ source }) => source?.workload))], ["gateway"]);
    }
  });

  it("gives the address that changed hands to each pod in its time", () => {
    const names = new Set(
      printed.flatMap(({ flow }) => [flow.source, flow.destination]).map((endpoint) => endpoint?.name ?? ""),
    );
    assert.ok(names.has("load-test-9fkx2") && names.has("reports-5d8c7f6b49-j2q8v"));
  });

  it("tells each connection within two seconds of its beginning", () => {
    const first = new Map<string, number>();
    for (const { flow, lateMs } of printed)
      if (flow.authoritative && !first.has(connectionName(flow))) first.set(connectionName(flow), lateMs);
    assert.ok(first.size > 50);
    // Denials of one attempt that is repeated in a later window have one name; the first counts.
    const late = [...first].filter(([, lateMs]) => lateMs > 2_000);
    assert.deepEqual(late, []);
  });
});
