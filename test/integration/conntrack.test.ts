import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { Tuple } from "../../core/conntrack/tuple.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import type { Connection, Conntrack } from "../../enforcer/conntrack.ts";
import { KernelConntrack } from "../../enforcer/conntrack-kernel.ts";
import { connection } from "../support/connections.ts";
import type { Insertion } from "../support/insert-connections.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";

const program = new URL("../support/insert-connections.ts", import.meta.url).pathname;
const established = 3;
const timeWait = 7;

describe("the kernel's connection table", function () {
  this.timeout(20_000);
  needsKernel("conntrack");

  const kernel = new KernelConntrack();
  let namespace: string;
  let conntrack: Conntrack;
  beforeEach(() => {
    namespace = makeNamespace("conntrack");
    conntrack = kernel.in(namespacePath(namespace));
  });
  afterEach(() => deleteNamespace(namespace));
  after(() => kernel.close());

  const insert = (...insertions: readonly Insertion[]) => {
    const words = ["netns", "exec", namespace, process.execPath, program];
    execFileSync("ip", words, { input: JSON.stringify(insertions) });
  };
  const listed = async () => [...(await conntrack.list({ links: false })).all];
  const all: readonly Connection[] = [
    connection({ from: "10.0.0.1 1000", to: "10.0.0.2 80" }),
    connection({ from: "10.0.0.1 1000", to: "10.96.0.1 80", dnat: "10.0.0.3 8080", snat: "192.0.2.1 61000" }),
    connection({ from: "fd00::1 1000", to: "fd00::2 53", protocol: 17 }),
    connection({ from: "10.0.0.1", to: "10.0.0.2", protocol: 1, icmp: 8 }),
    connection({ from: "fd00::1", to: "fd00::2", protocol: 58, icmp: 128 }),
    connection({ from: "10.0.0.1 1", to: "10.0.0.2 2", protocol: 132 }),
    connection({ from: "10.0.0.1", to: "10.0.0.2", protocol: 50 }),
  ];

  it("lists connections of all protocols, of both families, translated and not", async () => {
    insert(...all.map((each) => insertionOf(each)));
    assert.deepEqual(sorted(await listed()), sorted(all));
  });

  it("tells the node's own addresses", async () => {
    runIn(namespace, "ip", "address", "add", "192.0.2.7/24", "dev", "lo");
    const { localAddresses } = await conntrack.list({ links: false });
    assert.ok(localAddresses.has("192.0.2.7" as never) && localAddresses.has("127.0.0.1" as never));
  });

  it("tells behind which interfaces their ends are, by the routes, if asked", async () => {
    const ip = (...lines: readonly string[]) => {
      for (const line of lines) runIn(namespace, "ip", ...line.split(" "));
    };
    ip("link add eth0 type veth peer name eth1", "link set lo up", "link set eth0 up", "link set eth1 up");
    ip("addr add 192.0.2.7/24 dev eth0", "addr add 2001:db8::7/64 dev eth0 nodad", "route add default via 192.0.2.1");
    ip("route add 10.0.0.2 dev eth1", "route add fd00::2 dev eth1");
    insert(
      ...[
        connection({ from: "10.0.0.1 1000", to: "10.0.0.2 80" }),
        connection({ from: "10.0.0.2 1000", to: "192.0.2.7 80" }),
        connection({ from: "192.0.2.7 1000", to: "10.96.0.1 80", dnat: "10.0.0.2 8080" }),
        connection({ from: "fd00::2 1000", to: "2001:db8::9 80" }),
        connection({ from: "fd00::2 1000", to: "fd01::1 80" }),
        connection({ from: "fe80::9 1000", to: "fe80::1 80" }),
        connection({ from: "192.0.2.7 1000", to: "224.0.0.1 80", protocol: 17 }),
      ].map((each) => insertionOf(each)),
    );
    const { all: found } = await conntrack.list({ links: true });
    const told = [...found].map(
      ({ original, reply, sourceLink, destinationLink }) =>
        `${original.source} ${sourceLink} -> ${reply.source} ${destinationLink}`,
    );
    assert.deepEqual(told.sort(), [
      "10.0.0.1 eth0 -> 10.0.0.2 eth1",
      "10.0.0.2 eth1 -> 192.0.2.7 null",
      "192.0.2.7 null -> 10.0.0.2 eth1",
      "192.0.2.7 null -> 224.0.0.1 null",
      "fd00::2 eth1 -> 2001:db8::9 eth0",
      "fd00::2 eth1 -> fd01::1 null",
      "fe80::9 null -> fe80::1 null",
    ]);
  });

  it("leaves out TCP connections that are over", async () => {
    insert(insertionOf(all[0] as Connection, timeWait));
    assert.deepEqual(await listed(), []);
  });

  it("forgets connections of all protocols, and says how many were there", async () => {
    insert(...all.map((each) => insertionOf(each)));
    const found = await listed();
    const [first, ...others] = found;
    assert.ok(first !== undefined);
    assert.equal(await conntrack.delete(others), others.length);
    assert.deepEqual(await listed(), [first]);
    assert.equal(await conntrack.delete(found), 1);
    assert.deepEqual(await listed(), []);
  });

  it("does not forget another connection of the same ends", async () => {
    insert(insertionOf(all[0] as Connection));
    const [found] = await listed();
    assert.ok(found !== undefined);
    assert.equal(await conntrack.delete([{ ...found, id: (found.id ^ 1) >>> 0 }]), 0);
    assert.equal(await conntrack.delete([{ ...found, zone: 5 }]), 0);
    assert.equal((await listed()).length, 1);
  });

  it("forgets one in a zone, and none of another zone", async () => {
    insert(insertionOf(all[0] as Connection), insertionOf({ ...(all[0] as Connection), zone: 5 }));
    const found = await listed();
    assert.equal(await conntrack.delete(found.filter(({ zone }) => zone === 5)), 1);
    assert.deepEqual(
      (await listed()).map(({ zone }) => zone),
      [0],
    );
  });

  it("forgets many at a time", async () => {
    const many = Array.from({ length: 1_000 }, (_, index) =>
      insertionOf(connection({ from: `10.0.0.1 ${1_000 + index}`, to: "10.0.0.2 80" })),
    );
    insert(...many);
    const found = await listed();
    assert.equal(found.length, 1_000);
    assert.equal(await conntrack.delete([...found, ...found]), 1_000);
  });

  it("says so if the namespace is not there", () =>
    assert.rejects(kernel.in(namespacePath("sluice-test-missing")).list({ links: false }), { code: "NETLINK_FAILED" }));
});

function insertionOf({ zone, original, reply }: Connection, tcpState = established): Insertion {
  const answer: Tuple = { ...original, ...reply, icmpType: answerOf(original.icmpType) };
  return { zone, original, reply: answer, tcpState: original.protocol === 6 ? tcpState : null };
}

/** Echo replies answer echo requests, of ICMP and of ICMPv6. */
function answerOf(icmpType: number): number {
  return icmpType === 8 ? 0 : icmpType === 128 ? 129 : icmpType;
}

/** Without what the kernel chooses, in an order of its own. */
function sorted(connections: readonly Connection[]): readonly Connection[] {
  const keyOf = ({ original, reply }: Connection) => Object.values({ ...original, by: reply.source }).join(" ");
  return connections.map((each) => ({ ...each, id: 0 })).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
