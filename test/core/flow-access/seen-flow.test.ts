import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress } from "../../../core/address.ts";
import { predicateOf } from "../../../core/filter/predicate.ts";
import { askedFilter, seenPredicate } from "../../../core/flow-access/seen-filter.ts";
import { type Readable, seenFlow } from "../../../core/flow-access/seen-flow.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { flow, network, nodeEndpoint, pod, unknown } from "../../support/flows.ts";
import { anyFilter } from "../filter/arbitrary-filter.ts";
import { filtersMatching } from "../filter/matching-filter.ts";
import { flows as anyFlow } from "../records/arbitrary.ts";

const shop = new Set(["shop"]);
const mine = pod("shop/web-1", { app: "web" }, "node-1");
const theirs = pod("bank/vault-1", { app: "vault" }, "node-2");
const egress = ["0|app|np:shop/app.web|allow|0"];
const ingress = ["0|app|gnp:app.base|pass|-1", "1|app|np:bank/app.vault|deny|0"];

describe("core/flow-access/seen-flow", () => {
  const visible: readonly { title: string; parts: Partial<Flow>; readable: Readable; isSeen: boolean }[] = [
    { title: "from their own pod", parts: { source: mine, destination: theirs }, readable: shop, isSeen: true },
    { title: "to their own pod", parts: { source: theirs, destination: mine }, readable: shop, isSeen: true },
    { title: "between others", parts: { source: theirs, destination: theirs }, readable: shop, isSeen: false },
    { title: "from others to outside", parts: { source: theirs, destination: network }, readable: shop, isSeen: false },
    {
      title: "of nodes",
      parts: { source: nodeEndpoint("node-1"), destination: network },
      readable: shop,
      isSeen: false,
    },
    { title: "that nobody has looked up", parts: { source: null, destination: null }, readable: shop, isSeen: false },
    { title: "of nobody known", parts: { source: unknown, destination: unknown }, readable: shop, isSeen: false },
    {
      title: "to their own Service whose pods are others'",
      parts: { source: theirs, destination: theirs, service: { namespace: "shop", name: "web", port: null } },
      readable: shop,
      isSeen: false,
    },
    { title: "of anybody", parts: { source: theirs, destination: mine }, readable: new Set(), isSeen: false },
    {
      title: "of nodes, to who may read all",
      parts: { source: nodeEndpoint("node-1"), destination: null },
      readable: "all",
      isSeen: true,
    },
  ];
  for (const { title, parts, readable, isSeen } of visible)
    it(`${isSeen ? "shows" : "does not show"} a flow ${title}`, () => {
      assert.equal(seenFlow(flow(parts), readable) !== undefined, isSeen);
    });

  it("shows those who may read both ends everything", () => {
    const whole = flow({ source: mine, destination: theirs, enforced: [...egress, ...ingress] });
    assert.deepEqual(seenFlow(whole, new Set(["shop", "bank"])), whole);
  });

  it("shows whom their own pods talk to outside", () => {
    const whole = flow({ source: mine, destination: network, destinationDomain: "example.com", node: "node-1" });
    assert.deepEqual(seenFlow(whole, shop), whole);
  });

  it("leaves of the other end its kind, namespace and workload", () => {
    const { source, destination, sourceAddress, destinationAddress } = seenFlow(
      flow({ source: mine, destination: theirs }),
      shop,
    ) as Flow;
    assert.deepEqual(source, mine);
    assert.equal(sourceAddress, "10.1.0.5");
    assert.deepEqual(destination, { ...theirs, name: null, uid: null, node: null, labels: {} });
    assert.equal(destinationAddress, "0.0.0.0");
  });

  it("takes a pod that nothing made for no workload", () => {
    const single = { ...theirs, workloadKind: "Pod", workload: "vault-1" };
    assert.equal(seenFlow(flow({ source: mine, destination: single }), shop)?.destination?.workload, null);
  });

  it("leaves of a node that it is one", () => {
    const { source } = seenFlow(flow({ source: nodeEndpoint("node-2"), destination: mine }), shop) as Flow;
    assert.deepEqual(source, { ...nodeEndpoint("node-2"), name: null, node: null });
  });

  it("tells neither run nor number of a reporter elsewhere, but record from record", () => {
    const elsewhere = { source: mine, destination: theirs, reporter: "dst", node: "node-2" } as const;
    const numbers = [0, 1, 2].flatMap((seq) => {
      const [one, again, other] = [{}, {}, { node: "node-3" }].map((parts) =>
        seenFlow(flow({ ...elsewhere, seq, ...parts }), shop),
      );
      assert.deepEqual(one, again);
      assert.deepEqual([one?.node, one?.epoch, other?.epoch], ["", 0, 0]);
      return [one?.seq, other?.seq];
    });
    assert.equal(new Set(numbers).size, 6);
    assert.ok(numbers.every((seq) => Number.isSafeInteger(seq) && (seq ?? 0) > 1_000));
  });

  it("tells run and number of the node of their own end", () => {
    const own = flow({ source: mine, destination: theirs, reporter: "src", node: "node-1", seq: 7 });
    const { node, epoch, seq } = seenFlow(own, shop) as Flow;
    assert.deepEqual({ node, epoch, seq }, { node: "node-1", epoch: own.epoch, seq: 7 });
  });

  const ways: readonly { title: string; parts: Partial<Flow>; enforced: readonly string[] }[] = [
    {
      title: "both, and the source is theirs",
      parts: { source: mine, destination: theirs, enforced: [...egress, ...ingress] },
      enforced: egress,
    },
    {
      title: "both, and the destination is theirs",
      parts: { source: theirs, destination: mine, enforced: [...egress, ...ingress] },
      enforced: ingress,
    },
    {
      title: "one, made where the source is theirs",
      parts: { source: mine, destination: theirs, node: "node-1", enforced: egress },
      enforced: egress,
    },
    {
      title: "one, made where the destination is others'",
      parts: { source: mine, destination: theirs, node: "node-2", enforced: ingress },
      enforced: [],
    },
    {
      title: "one, of two ends on one node",
      parts: { source: mine, destination: { ...theirs, node: "node-1" }, node: "node-1", enforced: egress },
      enforced: [],
    },
    {
      title: "one, made on the way",
      parts: { source: mine, destination: theirs, node: "node-3", enforced: egress },
      enforced: [],
    },
  ];
  for (const { title, parts, enforced } of ways)
    it(`shows of the ways through policies those of their own end: ${title}`, () => {
      const seen = seenFlow(flow({ ...parts, pending: parts.enforced ?? [] }), shop);
      assert.deepEqual([seen?.enforced, seen?.pending], [enforced, enforced]);
    });

  /** A record with an end in shop and one in bank, whichever is which; all that is hidden is given. */
  const hidden = fc.record({ like: anyFlow, isSource: fc.boolean(), seed: fc.nat(1e6) });
  function record({ like, isSource, seed }: { like: Flow; isSource: boolean; seed: number }): Flow {
    const secret = (what: string) => `secret-${what}-${seed}`;
    const other = {
      ...{ kind: "pod" as const, namespace: "bank", workloadKind: "Deployment", workload: "vault" },
      ...{
        name: secret("name"),
        uid: secret("uid"),
        node: secret("node"),
        labels: { [secret("key")]: secret("value") },
      },
    };
    const address = parseAddress(`10.66.${seed % 256}.1`);
    const base = {
      ...like,
      node: secret("node"),
      // Of one run of one collector.
      epoch: 66_600_000_000 + seed,
      nat: {
        ...(like.nat ?? flow({}).nat),
        destinationAddress: address,
        destinationPort: 1,
        sourceAddress: address,
        sourcePort: 1,
      },
      related: null,
    };
    const steps = [...egress, ...ingress].map((step) =>
      step.replace("app.base", secret("policy")).replace("app.web", secret("policy")),
    );
    const traces = isSource ? [...egress, ...steps.slice(1)] : [...steps.slice(0, 1), ...ingress];
    const common = {
      ...base,
      enforced: traces,
      pending: traces,
      service: { namespace: "bank", name: secret("service"), port: null },
      reporter: isSource ? ("dst" as const) : ("src" as const),
    };
    return isSource
      ? {
          ...common,
          source: mine,
          destination: other,
          destinationAddress: address,
          outInterface: secret("interface"),
          destinationDomain: null,
        }
      : {
          ...common,
          source: other,
          destination: mine,
          sourceAddress: address,
          inInterface: secret("interface"),
          destinationDomain: secret("domain"),
        };
  }

  it("tells nothing that is hidden", () => {
    fc.assert(
      fc.property(hidden, (given) => {
        const text = JSON.stringify(seenFlow(record(given), shop));
        assert.doesNotMatch(text, /secret|10\.66\.|"epoch":666/);
      }),
    );
  });

  it("nobody learns what is hidden by asking for it", () => {
    const asking = fc.tuple(hidden, fc.nat(1e6)).chain(([given, seed]) => {
      const [one, other] = [record(given), record({ ...given, seed })];
      return filtersMatching([one, other], ["app", `secret-key-${seed}`]).map((filter) => ({ one, other, filter }));
    });
    fc.assert(
      fc.property(asking, ({ one, other, filter }) => {
        const holds = seenPredicate(filter, shop);
        assert.equal(holds(one), holds(other));
      }),
      { numRuns: 500 },
    );
  });

  const someReadable = fc.subarray(["shop", "bank", "dev-shop"]).map((names) => new Set(names));
  const someFlow = fc.oneof(hidden.map(record), anyFlow);
  it("a store is asked for all that is seen, and for nothing that is not", () => {
    const asking = someFlow.chain((one) =>
      fc.record({
        one: fc.constant(one),
        filter: fc.oneof(anyFilter, filtersMatching([one], ["app"])),
        readable: someReadable,
      }),
    );
    fc.assert(
      fc.property(asking, ({ one, filter, readable }) => {
        const asked = predicateOf(askedFilter(filter, readable))(one);
        if (seenPredicate(filter, readable)(one)) assert.ok(asked);
        if (asked) assert.ok(seenFlow(one, readable) !== undefined);
      }),
      { numRuns: 1000 },
    );
  });
});
