import assert from "node:assert/strict";
import { findingText } from "../../../enforcer/tamper/finding.ts";
import { foreignFindings } from "../../../enforcer/tamper/foreign-rules.ts";

type Statements = readonly object[];

/** A listing in the shape that nft 1.0.6 prints. */
class Listing {
  readonly #objects: object[] = [{ metainfo: { version: "1.0.6" } }];
  readonly #family: string;
  readonly #table: string;

  constructor(table: string) {
    [this.#family = "", this.#table = ""] = table.split(" ");
  }

  base(name: string, hook: string, prio: number, policy = "accept"): this {
    return this.#add({ chain: { ...this.#at, name, handle: 1, type: "filter", hook, prio, policy } });
  }

  chain(name: string): this {
    return this.#add({ chain: { ...this.#at, name, handle: 1 } });
  }

  rule(chain: string, ...expr: Statements): this {
    return this.#add({ rule: { ...this.#at, chain, handle: 1, expr } });
  }

  map(name: string, ...elem: readonly unknown[]): this {
    return this.#add({ map: { ...this.#at, name, type: "inet_service", map: "verdict", elem } });
  }

  get findings(): readonly string[] {
    return foreignFindings(JSON.stringify({ nftables: this.#objects })).map(
      (finding) => `${finding.kind}: ${findingText(finding)}`,
    );
  }

  get #at() {
    return { family: this.#family, table: this.#table };
  }

  #add(object: object): this {
    this.#objects.push(object);
    return this;
  }
}

const payload = (protocol: string, field: string, right: unknown) => ({
  match: { op: "==", left: { payload: { protocol, field } }, right },
});
const drop = { drop: null };
const jump = (target: string) => ({ jump: { target } });

describe("enforcer/tamper/foreign-rules", () => {
  const dropped = "also what our rules allow: such a connection is recorded as allowed, and fails";
  const early = "before our rules see the packet";
  const cases: readonly (readonly [title: string, listing: Listing, finding: RegExp | string | null])[] = [
    [
      "notrack before connection tracking",
      new Listing("ip raw").base("pre", "prerouting", -300).rule("pre", payload("udp", "dport", 53), { notrack: null }),
      /^notrack: table ip raw, chain pre: takes packets out of connection tracking: .* \(udp dport 53 notrack\)$/,
    ],
    [
      "notrack in a chain that is jumped to",
      new Listing("ip raw")
        .base("pre", "output", -300)
        .rule("pre", jump("more"))
        .chain("more")
        .rule("more", { notrack: null }),
      /^notrack: table ip raw, chain more: .* \(notrack\)$/,
    ],
    [
      "notrack too late to mean anything",
      new Listing("ip raw").base("pre", "prerouting", -150).rule("pre", { notrack: null }),
      null,
    ],
    [
      "a drop on a device",
      new Listing("netdev x").base("in", "ingress", 0).rule("in", payload("ip", "saddr", "192.0.2.1"), drop),
      `early-drop: table netdev x, chain in: drops by 1 rule ${early} (hook ingress, priority 0): denied without a record (ip saddr 192.0.2.1 drop)`,
    ],
    [
      "a drop before routing",
      new Listing("inet x")
        .base("in", "prerouting", -310)
        .rule("in", payload("ip", "saddr", { prefix: { addr: "10.0.0.0", len: 8 } }), drop),
      `early-drop: table inet x, chain in: drops by 1 rule ${early} (hook prerouting, priority -310): denied without a record (ip saddr 10.0.0.0/8 drop)`,
    ],
    [
      "a policy of drop",
      new Listing("ip filter").base("FORWARD", "forward", 0, "drop").rule("FORWARD", { accept: null }),
      `drop: table ip filter, chain FORWARD: drops by policy (hook forward, priority 0), ${dropped}`,
    ],
    [
      "rejects and drops after ours, together",
      new Listing("inet fw")
        .base("out", "output", 10)
        .rule("out", { reject: { type: "icmpx", expr: 1 } })
        .rule("out", jump("more"))
        .chain("more")
        .rule("more", { counter: { packets: 0, bytes: 0 } }, drop),
      `drop: table inet fw, chain out: drops by 2 rules (hook output, priority 10), ${dropped} (reject)`,
    ],
    [
      "a drop by a named map",
      new Listing("inet fw")
        .map("verdicts", [22, jump("sub")])
        .base("in", "input", 0)
        .rule("in", { vmap: { key: { payload: { protocol: "tcp", field: "dport" } }, data: "@verdicts" } })
        .chain("sub")
        .rule("sub", drop),
      `drop: table inet fw, chain in: drops by 1 rule (hook input, priority 0), ${dropped} (drop)`,
    ],
    [
      "a drop in an unnamed map",
      new Listing("inet fw").base("in", "input", 0).rule("in", {
        vmap: {
          key: { payload: { protocol: "tcp", field: "dport" } },
          data: {
            set: [
              [80, { accept: null }],
              [81, drop],
            ],
          },
        },
      }),
      `drop: table inet fw, chain in: drops by 1 rule (hook input, priority 0), ${dropped} (tcp dport vmap { 80 : accept, 81 : drop })`,
    ],
    [
      "flows that are offloaded",
      new Listing("inet fw").base("forward", "forward", 0).rule("forward", { flow: { op: "add", flowtable: "@f" } }),
      /^offload: table inet fw, chain forward: lets established connections pass our rules by: .* \(flow add @f\)$/,
    ],
    [
      "packets that are sent on from a device",
      new Listing("netdev x").base("in", "ingress", 0).rule("in", { fwd: { dev: "eth1" } }),
      /^bypass: .* \(fwd to eth1\)$/,
    ],
    [
      "addresses that are rewritten",
      new Listing("ip x")
        .base("out", "postrouting", 0)
        .rule("out", { mangle: { key: { payload: { protocol: "ip", field: "daddr" } }, value: "10.0.0.1" } }),
      /^rewrite: .* \(ip daddr set 10\.0\.0\.1\)$/,
    ],
    [
      "marks",
      new Listing("ip x")
        .base("out", "output", 0)
        .rule("out", { mangle: { key: { meta: { key: "mark" } }, value: 1 } }),
      null,
    ],
    ["accepts", new Listing("ip x").base("in", "forward", -100).rule("in", { accept: null }), null],
    ["a chain that nothing leads to", new Listing("ip x").chain("unused").rule("unused", drop), null],
    [
      "chains that jump to each other",
      new Listing("ip x")
        .base("in", "input", 0)
        .rule("in", jump("a"))
        .chain("a")
        .rule("a", jump("b"))
        .chain("b")
        .rule("b", jump("a")),
      null,
    ],
    ["our own table", new Listing("inet sluice").base("in", "forward", -5, "drop").rule("in", drop), null],
    [
      "what it does not know",
      new Listing("ip x").base("in", "input", 0).rule("in", { xt: null }, { new: { kind: 1 } }),
      null,
    ],
  ];
  for (const [title, { findings }, expected] of cases)
    it(`${expected === null ? "is silent about" : "finds"} ${title}`, () => {
      if (expected === null) assert.deepEqual(findings, []);
      else if (typeof expected === "string") assert.deepEqual(findings, [expected]);
      else {
        assert.equal(findings.length, 1, findings.join("\n"));
        assert.match(findings[0] ?? "", expected);
      }
    });

  it("refuses what is no JSON", () => assert.throws(() => foreignFindings("table ip x {"), { code: "NFT_FAILED" }));
  it("takes any JSON", () => assert.deepEqual(foreignFindings('{"nftables":[1,null,{"rule":3},{"chain":null}]}'), []));
});
