import assert from "node:assert/strict";
import { changesCommand } from "../../bin/commands/changes.ts";
import { completenessCommand } from "../../bin/commands/completeness.ts";
import { configCommand } from "../../bin/commands/config.ts";
import { endpointsCommand } from "../../bin/commands/endpoints.ts";
import { pairsCommand } from "../../bin/commands/pairs.ts";
import { topCommand } from "../../bin/commands/top.ts";
import { parseAddress } from "../../core/address.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import { change, controlChange, nftActor } from "../support/changes.ts";
import { flow, loss, seconds } from "../support/flows.ts";
import { FakeRim, run } from "./fake-rim.ts";

function tenure(address: string, name: string, parts: Partial<EndpointTenure> = {}): EndpointTenure {
  const workload = { workloadKind: null, workload: null, labels: { app: "web" } };
  const id = { cluster: "lab", kind: "pod", namespace: "shop", uid: name, node: "node-1", ...workload } as const;
  return { ...id, address: parseAddress(address), name, start: seconds(0), end: null, toldAt: 0, ...parts };
}

describe("bin/commands, questions to the store", () => {
  it("pairs: asks for what the flags say and prints who talks to whom", async () => {
    const rim = new FakeRim();
    assert.match(
      await run(pairsCommand, rim, "--since", "1h", "--limit", "5"),
      /✗ DENY +a\/web +b\/api +tcp +80 +3 +5 +1\.5 kB/,
    );
    assert.equal((rim.asked[0] as { limit: number }).limit, 5);
  });

  it("pairs: sums up only the newest so many records", async () => {
    const rim = new FakeRim();
    for (const seq of [1, 2, 3, 4]) rim.held.flows.push(flow({ seq, start: seconds(seq) }));
    await run(pairsCommand, rim, "--last", "2");
    assert.equal((rim.asked[0] as { since: number }).since, seconds(3));
  });

  it("top: asks by the field's own name", async () => {
    const rim = new FakeRim();
    assert.equal(await run(topCommand, rim, "dst.namespace", "-o", "name"), "security\n");
    assert.equal((rim.asked[0] as { field: string }).field, "dst.ns");
  });

  it("top: counts by a label as well", async () => {
    const rim = new FakeRim();
    await run(topCommand, rim, "src.label.app");
    assert.equal((rim.asked[0] as { field: string }).field, "src.labels.app");
  });

  it("top: refuses what is no field, and names one that is near", async () => {
    await assert.rejects(run(topCommand, new FakeRim(), "dst.nss"), {
      code: "USAGE",
      message: /did you mean dst.ns\?/,
    });
  });

  const endpointCases: readonly { title: string; args: readonly string[]; names: string }[] = [
    { title: "who has which address now", args: [], names: "shop/new-1 shop/other-1" },
    { title: "who had one then", args: ["--ip", "10.1.0.5", "--at", "2023-11-14T22:13:25Z"], names: "shop/old-1" },
    { title: "who had one over time", args: ["--ip", "10.1.0.0/24", "--since", "1h"], names: "shop/old-1 shop/new-1" },
    { title: "a pod without its suffix", args: ["--pod", "shop/other"], names: "shop/other-1" },
    { title: "those of another namespace", args: ["-n", "none"], names: "" },
  ];
  for (const { title, args, names } of endpointCases)
    it(`endpoints: ${title}`, async () => {
      const rim = new FakeRim();
      rim.held.endpoints.push(
        tenure("10.2.0.7", "other-1"),
        tenure("10.1.0.5", "new-1", { start: seconds(30) }),
        tenure("10.1.0.5", "old-1", { end: seconds(30) }),
      );
      assert.equal((await run(endpointsCommand, rim, "-o", "name", ...args)).trim().replaceAll("\n", " "), names);
    });

  it("changes: tells who did what, and what became of it", async () => {
    const rim = new FakeRim();
    rim.held.changes.push(change());
    assert.match(
      await run(changesCommand, rim),
      /2023-11-14 22:13:20 +node-1 +tamper +nft \(pid 4711, root, "nft delete [^"]*"\) +removed 1 rule of chain egress_forward +repaired after 34 ms/,
    );
    assert.match(
      await run(changesCommand, rim, "-o", "wide"),
      /- chain egress_forward, rule 3 of 14: drop +bash \(pid 812\)/,
    );
  });

  const changeCases: readonly { args: readonly string[]; ids: string }[] = [
    { args: [], ids: "a b c" },
    { args: ["--node", "node-2"], ids: "b" },
    { args: ["--program", "nft"], ids: "a b" },
    { args: ["--user", "ada"], ids: "b" },
    { args: ["--kind", "tamper", "--since", "2023-11-14T22:13:25"], ids: "c" },
    { args: ["--until", "2023-11-14T22:13:25"], ids: "a b" },
    { args: ["--since", "10s"], ids: "" },
  ];
  for (const { args, ids } of changeCases)
    it(`changes ${args.join(" ")}: finds ${ids || "none"}`, async () => {
      const rim = new FakeRim();
      rim.held.changes.push(
        change({ id: "a" }),
        change({ id: "b", node: "node-2", actor: { ...nftActor, login: "ada" } }),
        change({ id: "c", start: seconds(10), actor: null }),
      );
      assert.equal((await run(changesCommand, rim, "-o", "name", ...args)).trim().replaceAll("\n", " "), ids);
      assert.deepEqual(rim.notes, ids === "" ? ["nothing was changed in this time"] : []);
    });

  const request = { groups: ["dev"], sourceAddress: "192.0.2.1", userAgent: "kubectl/v1", impersonatedBy: null };
  const byAnn = {
    actor: { ...nftActor, pid: null, program: "kubectl/v1", commandLine: null, user: "ann", ancestors: [] },
    request: { ...request, fieldManager: "kubectl-edit", auditId: "a-1" },
  };

  const controlCases: readonly { args: readonly string[]; ids: string }[] = [
    { args: ["--kind", "control"], ids: "aa ab ac" },
    { args: ["--object", "app.db"], ids: "aa" },
    { args: ["--object", "shop/app.db"], ids: "aa" },
    { args: ["--object", "NetworkPolicy shop/app.db"], ids: "aa" },
    { args: ["--object", "db"], ids: "" },
    { args: ["--namespace", "shop"], ids: "aa ab" },
    { args: ["--verb", "delete"], ids: "ac" },
    { args: ["--unauthorised"], ids: "aa" },
    { args: ["--user", "ann"], ids: "aa" },
  ];
  const controls = () => [
    controlChange({}, { id: "aa", ...byAnn }),
    controlChange(
      { kind: "Namespace", namespace: null, name: "shop", authorised: "unknown" },
      { id: "ab", object: "Namespace shop" },
    ),
    controlChange(
      { verb: "delete", namespace: "dev", name: "x", authorised: "yes" },
      { id: "ac", object: "NetworkPolicy dev/x" },
    ),
    change({ id: "t" }),
  ];
  for (const { args, ids } of controlCases)
    it(`changes ${args.join(" ")}: finds ${ids || "none"}`, async () => {
      const rim = new FakeRim();
      rim.held.changes.push(...controls());
      assert.equal((await run(changesCommand, rim, "-o", "name", ...args)).trim().replaceAll("\n", " "), ids);
    });

  it("changes: shows what a control's change opened, whether it was allowed, and in wide what it was", async () => {
    const rim = new FakeRim();
    rim.held.changes.push(controlChange({}, { ...byAnn }));
    assert.match(await run(changesCommand, rim), /kubectl\/v1 \(ann\) .* opens: pods of namespace dev .* +no\n/);
    assert.match(await run(changesCommand, rim, "-o", "wide"), /outside of every change window +spec\/order: 1 -> 2/);
  });

  it("changes show: tells all of one", async () => {
    const rim = new FakeRim();
    rim.held.changes.push(...controls());
    const lines = (await run(changesCommand, rim, "show", "aa")).trimEnd().split("\n");
    assert.deepEqual(lines, [
      "what        changed spec/order of NetworkPolicy shop/app.db",
      "when        2023-11-14T22:13:20.002Z",
      "who         kubectl/v1 (ann)",
      "  in groups dev",
      "  from 192.0.2.1",
      "  with kubectl/v1",
      "  audit id a-1",
      "outcome     opens: pods of namespace dev (1) -> pods of namespace shop (1): TCP 80",
      "object      projectcalico.org/v3 NetworkPolicy, a control of kind policy, uid u-1",
      "version     7 -> 8",
      "effect      all of it:",
      "  opens pods of namespace dev (1) -> pods of namespace shop (1): TCP 80",
      "program     0000000000000001 -> 0000000000000002",
      "authorised  no",
      "  outside of every change window",
      "diff",
      "  spec/order: 1 -> 2",
      "id          aa",
    ]);
    assert.match(await run(changesCommand, rim, "show", "aa", "-o", "yaml"), /\ntype: change\nid: aa\n/);
  });

  for (const { id, error } of [
    { id: "zz", error: /there is no change zz/ },
    { id: "a", error: /a begins the ids of 3 changes/ },
  ])
    it(`changes show ${id}: says why it cannot`, async () => {
      const rim = new FakeRim();
      rim.held.changes.push(...controls());
      await assert.rejects(run(changesCommand, rim, "show", id), error);
    });

  it("completeness: says where something is missing, and exits with 3", async () => {
    const rim = new FakeRim();
    await rim.clock.advance(600_000);
    rim.held.losses.push(loss({ source: "nflog", count: 4 }));
    const text = await run(completenessCommand, rim, "--since", "2023-11-14T22:13", "--until", "2023-11-14T22:15");
    assert.match(text, /node-1 {2}2023-11-14 22:13:00 {2}22:14:00 {2}! lost 4 \(nflog\), silent for 60 s\n/);
    assert.match(text, /22:14:00 {2}22:15:00 {2}! silent for 60 s\n$/);
    assert.equal(rim.code, 3);
  });

  it("completeness: nobody told anything is a finding as well", async () => {
    const rim = new FakeRim();
    await run(completenessCommand, rim, "--since", "1h");
    assert.equal(rim.code, 3);
    assert.match(rim.notes.join(), /no node told anything/);
  });

  it("config: prints what is in force", async () => {
    const rim = new FakeRim();
    rim.env["SLUICE_CLUSTER_NAME"] = "east";
    assert.match(await run(configCommand, rim, "--log.level", "warn"), /^cluster:\n {2}name: east\n[\s\S]*level: warn/);
  });

  const configCases: readonly { format: string; says: RegExp }[] = [
    { format: "table", says: /^SETTING +VALUE +DEFAULT\n[\s\S]*^log\.level +warn +info$/m },
    { format: "json", says: /\{"type":"setting","path":"log\.level","flag":"--log\.level",.*"value":"warn"/ },
    { format: "csv", says: /^log\.level,warn,info,'--log\.level,SLUICE_LOG_LEVEL\r$/m },
    { format: "name", says: /^log\.level$/m },
  ];
  for (const { format, says } of configCases)
    it(`config: a setting a line as ${format}`, async () => {
      assert.match(await run(configCommand, new FakeRim(), "--log.level", "warn", "-o", format), says);
    });

  it("top: tells each policy once, by its fullest name", async () => {
    const rim = new FakeRim();
    rim.held.counts.push("security.quarantine", "gnp:security.quarantine", "np:shop/app.web", "app.web");
    assert.equal(await run(topCommand, rim, "policy", "-o", "name"), "gnp:security.quarantine\nnp:shop/app.web\n");
  });

  it("config: --check refuses what is not accepted", async () => {
    await assert.rejects(run(configCommand, new FakeRim(), "--check", "--log.level", "loud"), {
      code: "CONFIG_INVALID",
    });
  });
});
