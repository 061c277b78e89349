import assert from "node:assert/strict";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Evaluate, Verdict } from "../../policy/verdict.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { scenes } from "./agreement-table.ts";
import { addressOf, type Family, HostLab, pods } from "./host-lab.ts";

/** Long enough for an answer on a busy machine; below a second, so that TCP sends one SYN. */
const patienceMs = 700;

interface Row {
  readonly text: string;
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly family: Family;
  readonly port: number;
  readonly expect: Verdict["action"];
}

function parseRow(text: string): Row {
  const [, from, to, protocol, six, port, expect] =
    /^(\S+) -> (\S+) (tcp|udp|icmp)(6?)\/(\d+) (allow|deny)$/.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new Error(`no row: ${text}`);
  return {
    text,
    from,
    to,
    protocol: protocol as Row["protocol"],
    family: six === "6" ? 6 : 4,
    port: Number(port),
    expect: expect as Row["expect"],
  };
}

function evaluated({ from, to, protocol, family, port }: Row, evaluate: Evaluate): Verdict["action"] {
  const behind = to.startsWith("service:") ? to.slice("service:".length) : undefined;
  const isIcmp = protocol === "icmp";
  return evaluate({
    source: addressOf(from, family),
    // Where it goes after the cluster's proxy has translated it.
    destination: addressOf(behind ?? to, family),
    protocol: { tcp: 6, udp: 17, icmp: family === 6 ? 58 : 1 }[protocol],
    sourcePort: isIcmp ? 0 : 40_000,
    destinationPort: isIcmp ? 0 : behind === undefined ? port : 8080,
    icmp: isIcmp ? { type: port, code: 0 } : null,
  }).action;
}

describe("evaluator and kernel agree", function () {
  this.timeout(60_000);
  needsKernel("nft", "conntrack");
  const lab = new HostLab("agreement");
  before(() => lab.up());
  after(() => lab.down());

  for (const { title, given, rows } of scenes)
    describe(title, () => {
      const parsed = rows.map(parseRow);
      let evaluate: Evaluate;
      let results: ReadonlyMap<string, Verdict["action"]>;

      before(async () => {
        const current = await lab.enforce(given(pods()));
        evaluate = evaluatorOf(current.program(), current.placement());
        results = new Map(await Promise.all(parsed.map(async (row) => [row.text, await probe(row)] as const)));
      });

      for (const row of parsed)
        it(row.text, () => {
          assert.equal(evaluated(row, evaluate), row.expect, "the evaluator");
          assert.equal(results.get(row.text), row.expect, "the kernel");
        });
    });

  async function probe({ text, from, to, protocol, family, port }: Row): Promise<Verdict["action"]> {
    const result = await lab.probe(from, {
      protocol,
      address: addressOf(to, family),
      ...(protocol === "icmp" ? {} : { port }),
      timeoutMs: patienceMs,
    });
    if (!result.answered && result.error !== "timeout") throw new Error(`${text}: ${result.error}`);
    return result.answered ? "allow" : "deny";
  }
});
