import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import type { Counts } from "../../core/netlink/nft-counters.ts";
import { isProbe, probeAddress } from "../../core/probe.ts";
import { judgeProbe } from "../../enforcer/probe.ts";
import { type Datagram, decodeDatagram, encodeDatagram } from "../../enforcer/probe-packets.ts";
import { probeCounter } from "../../enforcer/probe-rules.ts";
import { type ProbeStep, probeSteps, sendProbe } from "../../enforcer/probe-sequence.ts";

const allCounters = [
  probeCounter("allow", "egress", "forward"),
  probeCounter("allow", "ingress", "forward"),
  probeCounter("deny", "egress", "forward"),
  probeCounter("allow", "ingress", "output"),
  probeCounter("deny", "ingress", "output"),
  probeCounter("deny", "egress", "input"),
];
const counts = (value: number, names: readonly string[] = allCounters): Counts =>
  new Map(names.map((name) => [name, { packets: value, bytes: 0 }]));
const whole: readonly ProbeStep[] = ["forward-allowed", "forward-reply", "output-allowed", "input-reply"];

describe("enforcer/probe", () => {
  it("finds a node that counts and lets through as it should enforcing", () => {
    const sighting = { before: counts(3), after: counts(4), sent: probeSteps, arrived: whole };
    assert.deepEqual(judgeProbe(sighting), { state: "enforcing", faults: [], notes: [] });
  });

  for (const name of allCounters)
    it(`finds a node where ${name} does not count not enforceable`, () => {
      const after = new Map([...counts(4), [name, { packets: 3, bytes: 0 }]]);
      const { state, faults } = judgeProbe({ before: counts(3), after, sent: probeSteps, arrived: whole });
      const chain = name.replace(/^probe_[a-z]+_/, "");
      assert.equal(state, "not-enforceable");
      assert.match(faults.join(), new RegExp(`in chain ${chain}: `));
      assert.equal(faults.length, 1);
    });

  for (const step of ["forward-denied", "output-denied", "input-denied"] as const)
    it(`finds a node that lets ${step} through not enforceable, whatever was counted`, () => {
      const sighting = { before: counts(3), after: counts(4), sent: probeSteps, arrived: [...whole, step] };
      assert.deepEqual(judgeProbe(sighting).state, "not-enforceable");
    });

  it("says nothing of hooks that were not asked", () => {
    const sent = probeSteps.filter((step) => !step.startsWith("input"));
    const names = allCounters.filter((name) => !name.endsWith("_input"));
    const after = new Map([...counts(3), ...counts(4, names)]);
    const sighting = { before: counts(3), after, sent, arrived: whole.filter((step) => sent.includes(step)) };
    assert.equal(judgeProbe(sighting).state, "enforcing");
  });

  for (const [title, before, after] of [
    ["counters that went back", counts(9), counts(1)],
    ["a table that came", counts(0, []), counts(1)],
    ["a table that went", counts(1), counts(0, [])],
  ] as const)
    it(`draws no conclusion from ${title}`, () => {
      assert.equal(judgeProbe({ before, after, sent: probeSteps, arrived: whole }).state, "inconclusive");
    });

  it("reads the datagrams that it writes, with a checksum that is right", () => {
    const datagram: Datagram = {
      source: probeAddress.sender,
      destination: probeAddress.allowed,
      sourcePort: 40_000,
      destinationPort: 9,
      payload: Buffer.from([1, 2, 3]),
    };
    const bytes = encodeDatagram(datagram);
    assert.deepEqual(decodeDatagram(bytes), datagram);
    let sum = 0;
    for (let at = 0; at < 20; at += 2) sum += bytes.readUInt16BE(at);
    assert.equal((sum & 0xffff) + (sum >>> 16), 0xffff);
  });

  for (const [title, bytes] of [
    ["nothing", []],
    ["IPv6", [0x60, 0, 0, 0]],
    ["a header that says it is longer than all there is", [0x4f, ...Array<number>(27).fill(0)]],
    ["TCP", [0x45, 0, 0, 0, 0, 0, 0, 0, 2, 6, ...Array<number>(30).fill(0)]],
  ] as const)
    it(`takes ${title} for no datagram`, () => assert.equal(decodeDatagram(Uint8Array.from(bytes)), undefined));

  it("takes packets of another probe for nobody's", () => {
    const port = {
      begin: () => {},
      inject: () => {},
      sentOut: () => [{ ...stranger, payload: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9, 0) }],
      send: () => null,
      received: () => [],
    };
    const stranger = {
      source: probeAddress.sender,
      destination: probeAddress.allowed,
      sourcePort: 1,
      destinationPort: 9,
    };
    const nonce = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const { arrived } = sendProbe({ port, counters: () => new Map(), nonce, sourcePort: 2000, pause: () => {} });
    assert.deepEqual(arrived, []);
  });

  for (const [from, to, is] of [
    ["198.18.254.1", "198.18.254.2", true],
    ["192.0.2.1", "198.18.254.3", true],
    ["198.18.254.9", "192.0.2.1", false],
    ["198.18.2.1", "10.0.0.1", false],
    ["fd00::1", "fd00::2", false],
  ] as const)
    it(`knows that ${from} to ${to} is ${is ? "" : "not "}of a probe`, () =>
      assert.equal(isProbe(parseAddress(from), parseAddress(to)), is));
});
