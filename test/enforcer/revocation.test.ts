import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import type { Connection } from "../../enforcer/conntrack.ts";
import { render } from "../../enforcer/render.ts";
import { elementsOf, type Revocation, revocationOf, sparing } from "../../enforcer/revocation.ts";
import { type Name, nameOf, type Ruleset } from "../../enforcer/ruleset.ts";
import { StandingRevocations } from "../../enforcer/standing-revocations.ts";
import { prefixText } from "../../enforcer/text.ts";
import { connection } from "../support/connections.ts";
import { interfaceOf } from "../support/journey.ts";
import { program } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";
import { type Sighting, simulate } from "../support/simulate.ts";

const [pod, pod6, other] = ["10.1.0.1", "fd01::1", "10.1.0.2"];
const [service, node, outside, outside6] = ["10.96.0.1", "192.0.2.1", "8.8.8.8", "2606::8"];

/** The ruleset of a node whose pods may do anything, with revoked connections. */
function rulesetWith(...revocations: readonly Revocation[]): Ruleset {
  const builder = program().node("a", node).pod("pod", "a", [pod, pod6]).pod("other", "a", [other]);
  const { ruleset } = render(builder.program(), builder.placement(), viewOf(builder.placement(), "a"));
  const elements = elementsOf(revocations);
  const sets = [...ruleset.sets].map(
    ([name, set]) => [name, { ...set, elements: elements.get(name) ?? set.elements }] as const,
  );
  return { ...ruleset, sets: new Map(sets) };
}

interface Seen {
  readonly hook?: Sighting["hook"];
  readonly from: string;
  readonly to: string;
  readonly protocol?: number;
  readonly state?: Sighting["state"];
}

/** `accept`, or the prefix of the log message. */
function outcome(ruleset: Ruleset, { hook = "forward", from, to, protocol = 6, state = "new" }: Seen): string {
  const [source = "", sourcePort] = from.split(" ");
  const [destination = "", destinationPort] = to.split(" ");
  const packet = {
    source: parseAddress(source),
    destination: parseAddress(destination),
    protocol,
    sourcePort: Number(sourcePort),
    destinationPort: Number(destinationPort),
    icmp: null,
  };
  const isOfPod = [pod, pod6, other].includes(source);
  const { action, logs } = simulate(ruleset, {
    packet,
    hook,
    from: isOfPod ? interfaceOf(packet.source) : "eth0",
    to: "",
    state,
    hopLimit: 64,
    localSource: source === node,
  });
  return action === "accept" ? action : logs.map(prefixText).join();
}

describe("the ruleset refuses of a revoked connection", () => {
  const plain = connection({ from: `${pod} 1000`, to: `${outside} 80` });
  const cases: readonly {
    readonly title: string;
    readonly of: Connection;
    readonly seen: Seen;
    readonly outcome: string;
  }[] = [
    {
      title: "what who opened it sends",
      of: plain,
      seen: { from: `${pod} 1000`, to: `${outside} 80`, state: "established" },
      outcome: "D|E|revoked",
    },
    {
      title: "the answers, and tells that they are some",
      of: plain,
      seen: { from: `${outside} 80`, to: `${pod} 1000`, state: "established" },
      outcome: "R|E|revoked",
    },
    {
      title: "the answers also when they look like a new connection, as the kernel has forgotten the old one",
      of: plain,
      seen: { from: `${outside} 80`, to: `${pod} 1000` },
      outcome: "R|E|revoked",
    },
    {
      title: "nothing with another port",
      of: plain,
      seen: { from: `${outside} 80`, to: `${pod} 1001` },
      outcome: "accept",
    },
    {
      title: "nothing of another protocol",
      of: plain,
      seen: { from: `${outside} 80`, to: `${pod} 1000`, protocol: 17 },
      outcome: "accept",
    },
    {
      title: "nothing that the node itself says of it: a reset",
      of: plain,
      seen: { hook: "output", from: `${outside} 80`, to: `${pod} 1000`, state: "related" },
      outcome: "accept",
    },
    {
      title: "IPv6 as well",
      of: connection({ from: `${pod6} 1000`, to: `${outside6} 80`, protocol: 17 }),
      seen: { from: `${outside6} 80`, to: `${pod6} 1000`, protocol: 17 },
      outcome: "R|E|revoked",
    },
    {
      title: "what comes to where a Service's address was translated to",
      of: connection({ from: `${pod} 1000`, to: `${service} 80`, dnat: `${other} 8080` }),
      seen: { from: `${pod} 1000`, to: `${other} 8080` },
      outcome: "D|E|revoked",
    },
    {
      title: "what goes to a Service's address and is no longer translated",
      of: connection({ from: `${pod} 1000`, to: `${service} 80`, dnat: `${other} 8080` }),
      seen: { from: `${pod} 1000`, to: `${service} 80` },
      outcome: "D|E|revoked",
    },
    {
      title: "answers to the node's address that are no longer translated",
      of: connection({ from: `${pod} 1000`, to: `${outside} 80`, snat: `${node} 61000` }),
      seen: { hook: "input", from: `${outside} 80`, to: `${node} 61000` },
      outcome: "R|E|revoked",
    },
    {
      title: "answers to the pod behind the node's address",
      of: connection({ from: `${pod} 1000`, to: `${outside} 80`, snat: `${node} 61000` }),
      seen: { from: `${outside} 80`, to: `${pod} 1000`, state: "established" },
      outcome: "R|E|revoked",
    },
  ];
  for (const { title, of, seen, outcome: expected } of cases)
    it(title, () => assert.equal(outcome(rulesetWith(revocationOf(of, "egress")), seen), expected));

  it("by the policy of the end that denies it", () => {
    const ruleset = rulesetWith(revocationOf(plain, "ingress"));
    assert.equal(outcome(ruleset, { from: `${pod} 1000`, to: `${outside} 80` }), "D|I|revoked");
  });

  it("nothing where it has no ports: each packet is judged by itself", () => {
    for (const protocol of [1, 47])
      assert.equal(elementsOf([revocationOf(connection({ from: pod, to: outside, protocol }), "egress")]).size, 0);
  });
});

describe("of a translated connection", () => {
  // Behind the node's address, so that the kernel lets another connection have the mirrored ports.
  const translated = connection({
    from: `${pod} 53`,
    to: `${node} 53`,
    dnat: `${other} 53`,
    snat: `${node} 53`,
    protocol: 17,
  });
  const sets = (others: readonly Connection[]) => [
    ...(elementsOf(sparing([revocationOf(translated, "egress")], others)).get(nameOf("revoked4")) ?? []),
  ];

  it("every look is refused where no other connection looks so", () => {
    assert.equal(sets([connection({ from: `${other} 53`, to: `${pod} 54`, protocol: 17 })]).length, 6);
  });

  it("a look is spared that answers to another connection have", () => {
    const left = sets([connection({ from: `${other} 53`, to: `${pod} 53`, protocol: 17 })]);
    assert.equal(left.length, 4);
    assert.ok(!left.some((element) => element.includes(pod) && element.includes(other)), left.join("; "));
  });
});

describe("standing revocations", () => {
  // Two connections that look alike between the translations.
  const one = revocationOf(connection({ from: `${pod} 1`, to: `${service} 80`, dnat: `${other} 80` }), "egress");
  const two = revocationOf(connection({ from: `${pod} 1`, to: `${other} 80`, snat: `${node} 1` }), "egress");
  const set = nameOf("revoked4");
  const sizeOf = (elements: ReadonlyMap<Name, ReadonlySet<unknown>>) => elements.get(set)?.size ?? 0;

  it("add what is not there yet", () => {
    const standing = new StandingRevocations();
    assert.equal(sizeOf(standing.add([one], 10)), 4);
    assert.equal(sizeOf(standing.add([two], 10)), 2);
  });

  it("take out what no other has", () => {
    const standing = new StandingRevocations();
    standing.add([one, two], 10);
    const { count, elements } = standing.remove((revocation) => revocation === one);
    assert.deepEqual([count, sizeOf(elements), standing.size], [1, 2, 1]);
  });

  it("forget what is over", () => {
    const standing = new StandingRevocations();
    standing.add([one], 10);
    standing.add([two], 20);
    standing.expire(10);
    assert.deepEqual([standing.size, sizeOf(standing.renew(30))], [1, 4]);
  });

  it("stay longer when renewed", () => {
    const standing = new StandingRevocations();
    standing.add([one], 10);
    standing.renew(30);
    standing.expire(20);
    assert.equal(standing.size, 1);
  });
});
