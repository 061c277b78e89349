import assert from "node:assert/strict";
import fc from "fast-check";
import { LogDecoder, type LoggedPacket } from "../../collectors/nflog/message.ts";
import { decodePacket } from "../../collectors/nflog/packet.ts";
import { parsePrefix } from "../../collectors/nflog/prefix.ts";
import { SluiceError } from "../../core/errors.ts";
import { capturedNflog } from "./captured-nflog.ts";

type Name = keyof typeof capturedNflog;
const captured = (name: Name) => Buffer.from(capturedNflog[name], "hex");
const decode = (bytes: Uint8Array): LoggedPacket => new LogDecoder(bytes).decode(16, bytes.length);
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

describe("a logged packet as captured", () => {
  it("has prefix, hook, time, interfaces, number and headers", () => {
    assert.deepEqual(decode(captured("udpDenied")), {
      prefix: "D|I|unknown-endpoint",
      hook: 2,
      timestamp: 1795479672529263,
      inIndex: 2,
      outIndex: 3,
      sequence: 0,
      mark: 0,
      uid: null,
      gid: null,
      packet: {
        source: "10.99.1.2",
        destination: "10.99.2.2",
        protocol: 17,
        sourcePort: 48728,
        destinationPort: 9,
        icmp: null,
        about: null,
        bytes: 32,
      },
    });
  });

  const six = { source: "fd99:1::2", destination: "fd99:2::2" };
  const cases = [
    {
      name: "tcpv6Denied",
      packet: { ...six, protocol: 6, sourcePort: 60546, destinationPort: 9, icmp: null, about: null, bytes: 80 },
    },
    {
      name: "hopByHopDenied",
      packet: { ...six, protocol: 17, sourcePort: 39064, destinationPort: 9, icmp: null, about: null, bytes: 59 },
    },
    {
      name: "truncatedDenied",
      packet: { ...six, protocol: 17, sourcePort: 54967, destinationPort: 9, icmp: null, about: null, bytes: 3048 },
    },
    {
      name: "icmpDenied",
      packet: {
        source: "10.99.1.2",
        destination: "10.99.2.2",
        protocol: 1,
        sourcePort: 0,
        destinationPort: 0,
        icmp: { type: 13, code: 0, id: 0x5566 },
        about: null,
        bytes: 40,
      },
    },
  ] as const;
  for (const { name, packet } of cases)
    it(`${name}: has these headers`, () => assert.deepEqual(decode(captured(name)).packet, packet));

  it("is DECODE_FAILED or a packet, whichever bytes are changed", () => {
    const names = fc.constantFrom(...(Object.keys(capturedNflog) as Name[]));
    fc.assert(
      fc.property(names, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }), (name, changes) => {
        const bytes = captured(name);
        for (const [at, value] of changes) bytes[16 + (at % (bytes.length - 16))] = value;
        try {
          decode(bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("headers of a packet", () => {
  const four = (protocol: string, fragment: string, rest: string) =>
    `4500 0054 0000 ${fragment} 40 ${protocol} 0000 0a000001 0a000002 ${rest}`;
  const six = (next: string, rest: string) =>
    `6000 0000 0040 ${next} 40 fd000000000000000000000000000001 fd000000000000000000000000000002 ${rest}`;
  const cases = [
    { title: "TCP over IPv4", hex: four("06", "4000", "1f90 0050"), read: [6, 0x1f90, 80] },
    {
      title: "options of IPv4 are passed over",
      hex: `46${four("11", "0000", "01010101 0035 0036").slice(2)}`,
      read: [17, 53, 54],
    },
    { title: "the first fragment has ports", hex: four("11", "2000", "0035 0036"), read: [17, 53, 54] },
    { title: "a later fragment has none", hex: four("11", "00b9", "0035 0036"), read: [17, 0, 0] },
    { title: "a capture that ends before the ports has none", hex: four("11", "0000", "00"), read: [17, 0, 0] },
    { title: "TCP over IPv6", hex: six("06", "1f90 0050"), read: [6, 0x1f90, 80] },
    {
      title: "hop-by-hop, routing, destination options and AH are passed over",
      hex: six("00", `2b00000000000000 3c00000000000000 3300000000000000 1104000000000000${"00".repeat(16)} 0035 0036`),
      read: [17, 53, 54],
    },
    { title: "a first IPv6 fragment has ports", hex: six("2c", "1100000100000007 0035 0036"), read: [17, 53, 54] },
    { title: "a later IPv6 fragment has none", hex: six("2c", "1100 0b09 00000007 0035 0036"), read: [17, 0, 0] },
    { title: "a capture that ends within extensions has no ports", hex: six("00", "11"), read: [0, 0, 0] },
    { title: "a protocol without ports has none", hex: four("2f", "0000", "2000 0800"), read: [47, 0, 0] },
  ] as const;
  for (const { title, hex, read } of cases)
    it(title, () => {
      const { protocol, sourcePort, destinationPort } = decodePacket(bytesOf(hex));
      assert.deepEqual([protocol, sourcePort, destinationPort], read);
    });

  const inner4 = "4500 001c 0000 0000 40 11 0000 0a000002 0a000001 0035 9c40 0008 0000";
  const inner6 =
    "6000 0000 0008 11 40 fd000000000000000000000000000002 fd000000000000000000000000000001 0035 9c40 0008 0000";
  const about4 = { protocol: 17, sourceAddress: "10.0.0.2", destinationAddress: "10.0.0.1" };
  const about6 = { protocol: 17, sourceAddress: "fd00::2", destinationAddress: "fd00::1" };
  const ports = { sourcePort: 53, destinationPort: 40_000 };
  const withoutPorts = { sourcePort: 0, destinationPort: 0 };
  const abouts = [
    {
      title: "port unreachable",
      hex: four("01", "0000", `0303 0000 00000000 ${inner4}`),
      about: { ...about4, ...ports },
    },
    { title: "time exceeded", hex: four("01", "0000", `0b00 0000 00000000 ${inner4}`), about: { ...about4, ...ports } },
    {
      title: "the begin of a packet without its ports",
      hex: four("01", "0000", `0303 0000 00000000 ${inner4.slice(0, -20)}`),
      about: { ...about4, ...withoutPorts },
    },
    { title: "less than a header", hex: four("01", "0000", "0303 0000 00000000 4500 001c"), about: null },
    {
      title: "an echo request, which carries what one likes",
      hex: four("01", "0000", `0800 0000 00000000 ${inner4}`),
      about: null,
    },
    { title: "a later fragment of an error", hex: four("01", "00b9", `0303 0000 00000000 ${inner4}`), about: null },
    { title: "IPv6: port unreachable", hex: six("3a", `0104 0000 00000000 ${inner6}`), about: { ...about6, ...ports } },
    { title: "IPv6: packet too big", hex: six("3a", `0200 0000 00000500 ${inner6}`), about: { ...about6, ...ports } },
  ];
  for (const { title, hex, about } of abouts)
    it(`what an ICMP error is about: ${title}`, () => assert.deepEqual(decodePacket(bytesOf(hex)).about, about));

  for (const { title, hex, bytes } of [
    { title: "as the header says", hex: four("06", "4000", "1f90 0050"), bytes: 84 },
    { title: "of IPv6 without its header, which is added", hex: six("06", "1f90 0050"), bytes: 104 },
    {
      title: "of a jumbogram, as its option says",
      hex: `6000 0000 0000 00 40 ${"fd000000000000000000000000000001".repeat(2)} 0600 c204 00011170 1f90 0050`,
      bytes: 40 + 70_000,
    },
    {
      title: "above 64 KiB over IPv4, as far as it was captured",
      hex: `4500 0000${four("06", "4000", "1f90 0050").slice(9)}`,
      bytes: 24,
    },
  ])
    it(`length ${title}`, () => assert.equal(decodePacket(bytesOf(hex)).bytes, bytes));

  it("ICMP errors have no id", () => {
    assert.deepEqual(decodePacket(bytesOf(four("01", "0000", "0301 0000 00000578"))).icmp, { type: 3, code: 1, id: 0 });
  });

  for (const [title, hex] of [
    ["nothing", ""],
    ["another version", "50"],
    ["half an IPv4 header", "4500 0054 0000"],
    ["an IPv4 header that says it is shorter than that", `41${four("06", "0000", "").slice(2)}`],
    ["half an IPv6 header", "6000 0000 0040"],
  ] as const)
    it(`${title} is DECODE_FAILED`, () => assert.throws(() => decodePacket(bytesOf(hex)), { code: "DECODE_FAILED" }));

  it("any bytes are DECODE_FAILED or headers", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), (bytes) => {
        if (bytes.length > 0) bytes[0] = (bytes[0] as number) % 2 ? 0x45 : 0x60;
        try {
          decodePacket(bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
        }
      }),
    );
  });
});

describe("the prefix of a log message", () => {
  const rule = "00ab00ab00ab00ab";
  const ours = [
    { text: `D|E|${rule}`, read: { action: "deny", direction: "egress", rule, reason: null } },
    { text: `S|I|${rule} `, read: { action: "staged", direction: "ingress", rule, reason: null } },
    { text: `P|E|${rule}`, read: { action: "pass", direction: "egress", rule, reason: null } },
    { text: `A|I|${rule}`, read: { action: "allow", direction: "ingress", rule, reason: null } },
    {
      text: "D|I|unknown-endpoint",
      read: { action: "deny", direction: "ingress", rule: null, reason: "unknown-endpoint" },
    },
    { text: "D|E|spoofed", read: { action: "deny", direction: "egress", rule: null, reason: "spoofed" } },
    { text: "D|E|invalid", read: { action: "deny", direction: "egress", rule: null, reason: "invalid" } },
    { text: "D|I|revoked", read: { action: "deny", direction: "ingress", rule: null, reason: "revoked" } },
    {
      text: "R|I|revoked",
      read: { action: "deny", direction: "ingress", isAnswer: true, rule: null, reason: "revoked" },
    },
  ];
  for (const { text, read } of ours)
    it(`"${text}" is ours`, () => assert.deepEqual(parsePrefix(text), { isAnswer: false, ...read }));

  for (const text of [
    "",
    "DROP: ",
    `X|E|${rule}`,
    `D|X|${rule}`,
    "D|E|",
    "D|E|other",
    "D|E|80ab00ab00ab00ab",
    `D|E|${rule}0`,
  ])
    it(`"${text}" is not ours`, () => assert.equal(parsePrefix(text), undefined));
});
