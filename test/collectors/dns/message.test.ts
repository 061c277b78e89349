import assert from "node:assert/strict";
import fc from "fast-check";
import { addressesOf } from "../../../collectors/dns/asked-name.ts";
import { type Message, parseMessage } from "../../../collectors/dns/message.ts";
import { className, rcodeName, typeName } from "../../../collectors/dns/numbers.ts";
import { SluiceError } from "../../../core/errors.ts";
import { encodeMessage, fourBytes, responseFlags, type TestRecord } from "../../support/dns-message.ts";

const question = { name: "api.example.com", type: 1 };
const header = (questions: number, answers: number, flags = responseFlags) =>
  Buffer.from([0, 7, flags >> 8, flags & 255, 0, questions, 0, answers, 0, 0, 0, 0]);

/** The message of the bytes, or why there is none. */
function read(bytes: Uint8Array, whole = true): Message | string {
  try {
    return parseMessage(bytes, whole);
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED") throw thrown;
    return thrown.message;
  }
}

const data = (type: number, bytes: Uint8Array | string) => {
  const message = read(encodeMessage({ flags: responseFlags, question, answers: [{ name: "x", type, data: bytes }] }));
  return typeof message === "string" ? message : message.answers[0]?.text;
};

describe("a DNS message", () => {
  it("of a query has its question", () => {
    assert.deepEqual(read(encodeMessage({ id: 513, question: { name: "API.Example.com", type: 28 } })), {
      id: 513,
      isResponse: false,
      truncated: false,
      rcode: 0,
      question: { name: "api.example.com", type: 28, class: 1 },
      answers: [],
      answerCount: 0,
    });
  });

  it("of a response has its answers, names led on by pointers", () => {
    const answers = [
      { name: "api.example.com", type: 5, ttl: 300, data: "lb.cdn.example.com" },
      { name: "lb.cdn.example.com", type: 1, ttl: 20, data: fourBytes("203.0.113.7") },
    ];
    const message = read(encodeMessage({ flags: responseFlags | 3 | 0x200, question, answers }));
    assert.ok(typeof message === "object");
    assert.deepEqual([message.isResponse, message.rcode, message.truncated, message.answerCount], [true, 3, true, 2]);
    assert.deepEqual(message.answers, [
      {
        name: "api.example.com",
        type: 5,
        class: 1,
        ttl: 300,
        text: "lb.cdn.example.com",
        address: null,
        target: "lb.cdn.example.com",
      },
      {
        name: "lb.cdn.example.com",
        type: 1,
        class: 1,
        ttl: 20,
        text: "203.0.113.7",
        address: "203.0.113.7",
        target: null,
      },
    ]);
  });

  it("that was cut off has the answers that are whole", () => {
    const answers = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((ip) => ({
      name: question.name,
      type: 1,
      data: fourBytes(ip),
    }));
    const bytes = encodeMessage({ flags: responseFlags, question, answers });
    const cut = read(bytes.subarray(0, bytes.length - 5), false);
    assert.ok(typeof cut === "object");
    assert.deepEqual([cut.answers.map(({ text }) => text), cut.answerCount], [["192.0.2.1", "192.0.2.2"], 3]);
    assert.match(String(read(bytes.subarray(0, bytes.length - 5), true)), /bytes are needed/);
  });

  it("has names that no other name has", () => {
    const odd = read(encodeMessage({ question: { name: "a\\b\0ü", type: 1 } }));
    assert.ok(typeof odd === "object");
    assert.equal(odd.question.name, "a\\\\b\\000\\252");
    assert.equal((read(encodeMessage({ question: { name: ".", type: 2 } })) as Message).question.name, ".");
    const dotted = Buffer.concat([header(1, 0, 0), Buffer.from([3, 97, 46, 98, 0, 0, 1, 0, 1])]);
    assert.equal((read(dotted) as Message).question.name, "a\\.b");
  });

  const long = (labels: number) => [...Array<number[]>(labels)].flatMap(() => [63, ...Array<number>(63).fill(97)]);
  const asked = [0, 0, 1, 0, 1];
  const faults = [
    { title: "nothing", bytes: Buffer.alloc(0), says: /2 bytes are needed/ },
    { title: "a header alone", bytes: header(1, 0), says: /13 bytes are needed/ },
    { title: "no question", bytes: header(0, 0), says: /0 questions/ },
    { title: "an update", bytes: Buffer.concat([header(1, 0, 0x2800), Buffer.from(asked)]), says: /opcode 5/ },
    {
      title: "a bit that must be zero",
      bytes: Buffer.concat([header(1, 0, 0x8040), Buffer.from(asked)]),
      says: /zero/,
    },
    { title: "answers in a query", bytes: Buffer.concat([header(1, 1, 0), Buffer.from(asked)]), says: /holds answers/ },
    {
      title: "a pointer to itself",
      bytes: Buffer.concat([header(1, 0), Buffer.from([0xc0, 12, 0, 1, 0, 1])]),
      says: /leads to 12/,
    },
    {
      title: "a pointer forward",
      bytes: Buffer.concat([header(1, 0), Buffer.from([0xc0, 20, 0, 1, 0, 1])]),
      says: /leads to 20/,
    },
    {
      title: "pointers in a ring",
      bytes: Buffer.concat([header(1, 0), Buffer.from([1, 97, 0xc0, 12, 0, 1, 0, 1])]),
      says: /leads to 12/,
    },
    {
      title: "a name that is too long",
      bytes: Buffer.concat([header(1, 0), Buffer.from([...long(4), ...asked])]),
      says: /more than 255/,
    },
    {
      title: "a label of another kind",
      bytes: Buffer.concat([header(1, 0), Buffer.from([0x41, 0, 0])]),
      says: /kind 1/,
    },
    {
      title: "a label that goes beyond the end",
      bytes: Buffer.concat([header(1, 0), Buffer.from([60, 97])]),
      says: /73 bytes are needed/,
    },
  ];
  for (const { title, bytes, says } of faults)
    it(`is none with ${title}`, () => assert.match(String(read(bytes)), says));

  const texts = [
    { type: 28, bytes: Buffer.from("20010db8000000000000000000000001", "hex"), says: "2001:db8::1" },
    { type: 1, bytes: Buffer.from([1, 2, 3]), says: "dns: an address of 3 bytes" },
    { type: 12, bytes: "host.example.com", says: "host.example.com" },
    { type: 15, bytes: Buffer.from([0, 10, 1, 109, 0]), says: "10 m" },
    { type: 33, bytes: Buffer.from([0, 1, 0, 2, 1, 187, 1, 115, 0]), says: "1 2 443 s" },
    { type: 16, bytes: Buffer.from([3, 97, 34, 98, 1, 0]), says: '"a\\"b" "\\000"' },
    { type: 16, bytes: Buffer.from([9, 97]), says: "dns: 56 bytes are needed and 48 are there" },
    { type: 64, bytes: Buffer.from([0, 1, 0]), says: "\\# 3 000100" },
    { type: 33, bytes: Buffer.from([0, 1]), says: "dns: 50 bytes are needed and 48 are there" },
  ];
  for (const { type, bytes, says } of texts)
    it(`tells data of type ${typeName(type)}: ${says}`, () => assert.equal(data(type, bytes), says));

  it("calls numbers by their names, and others as RFC 3597 does", () => {
    assert.deepEqual([1, 65, 999].map(typeName), ["A", "HTTPS", "TYPE999"]);
    assert.deepEqual([1, 3, 9].map(className), ["IN", "CH", "CLASS9"]);
    assert.deepEqual([0, 3, 11].map(rcodeName), ["NOERROR", "NXDOMAIN", "RCODE11"]);
  });

  const label = fc.string({ unit: fc.constantFrom(..."abcxyz0-_"), minLength: 1, maxLength: 20 });
  const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join("."));
  const record: fc.Arbitrary<TestRecord> = fc
    .record({
      name,
      type: fc.constantFrom(1, 5),
      ttl: fc.nat(0x7fff_ffff),
      data: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    })
    .chain((one) => (one.type === 1 ? fc.constant<TestRecord>(one) : name.map((data) => ({ ...one, data }))));

  it("is read as it was written", () => {
    fc.assert(
      fc.property(name, fc.array(record, { maxLength: 12 }), fc.nat(65_535), (asked, answers, id) => {
        const message = read(encodeMessage({ id, flags: responseFlags, question: { name: asked, type: 1 }, answers }));
        assert.ok(typeof message === "object", String(message));
        assert.equal(message.id, id);
        assert.equal(message.question.name, asked);
        const told = message.answers.map(({ name, type, ttl, text }) => [name, type, ttl, text]);
        const wanted = answers.map(({ name, type, ttl, data }) => [
          name,
          type,
          ttl,
          typeof data === "string" ? data : data.join("."),
        ]);
        assert.deepEqual(told, wanted);
      }),
    );
  });

  it("of any bytes is read or refused, in little time", () => {
    const noise = fc.uint8Array({ maxLength: 600 });
    const broken = fc
      .tuple(name, fc.array(record, { maxLength: 8 }), fc.array(fc.tuple(fc.nat(599), fc.nat(255)), { maxLength: 6 }))
      .map(([asked, answers, changes]) => {
        const bytes = encodeMessage({ flags: responseFlags, question: { name: asked, type: 1 }, answers });
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(noise, broken), fc.boolean(), (bytes, whole) => {
        const message = read(bytes, whole);
        if (typeof message === "string") return;
        assert.ok(message.answers.length <= message.answerCount);
        for (const { address } of addressesOf(message))
          assert.ok(message.answers.some((answer) => answer.address === address));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the addresses of the name that was asked for", () => {
  const at = (name: string, ip: string, ttl = 60) => ({ name, type: 1, ttl, data: fourBytes(ip) });
  const alias = (name: string, data: string, ttl = 60) => ({ name, type: 5, ttl, data });
  const cases = [
    { title: "stand under it", answers: [at("api.example.com", "192.0.2.1", 9)], gives: [["192.0.2.1", 9]] },
    {
      title: "stand under what its CNAMEs lead to, with the shortest TTL on the way",
      answers: [alias("api.example.com", "b.net", 30), alias("b.net", "c.net", 5), at("c.net", "192.0.2.1", 60)],
      gives: [["192.0.2.1", 5]],
    },
    {
      title: "are found in any order of records",
      answers: [at("c.net", "192.0.2.1", 60), alias("b.net", "c.net", 5), alias("api.example.com", "b.net", 30)],
      gives: [["192.0.2.1", 5]],
    },
    { title: "are not those of another name", answers: [at("bank.example", "192.0.2.1")], gives: [] },
    {
      title: "are none where CNAMEs go round",
      answers: [alias("api.example.com", "b.net"), alias("b.net", "api.example.com")],
      gives: [],
    },
  ];
  for (const { title, answers, gives } of cases)
    it(title, () => {
      const message = parseMessage(encodeMessage({ flags: responseFlags, question, answers }), true);
      assert.deepEqual(
        addressesOf(message).map(({ address, ttl }) => [address, ttl]),
        gives,
      );
    });
});
