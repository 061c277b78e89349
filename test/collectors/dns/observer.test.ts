import assert from "node:assert/strict";
import fc from "fast-check";
import { DnsObserver } from "../../../collectors/dns/observer.ts";
import { decodePacket } from "../../../collectors/nflog/packet.ts";
import { addressToBytes, parseAddress } from "../../../core/address.ts";
import { encodeMessage, fourBytes, queryFlags, responseFlags, type TestMessage } from "../../support/dns-message.ts";

const second = 1_000_000;
const client = "10.1.0.5";
const server = "10.2.0.53";

interface Sent {
  readonly way?: "query" | "answer";
  readonly bytes: Buffer;
  readonly tcp?: boolean;
  readonly at: number;
  /** Bytes of the packet that are captured. */
  readonly captured?: number;
  readonly stamped?: boolean;
  readonly sequence?: number;
  readonly clientPort?: number;
}

class Bench {
  #now = 0;
  readonly observer = new DnsObserver({ maxNames: 100, extraTtlMs: 0, now: () => this.#now });

  send({ way = "query", bytes, tcp = false, at, captured, stamped = true, sequence, clientPort = 40_000 }: Sent): void {
    this.#now = at;
    const ends = [
      [client, clientPort],
      [server, 53],
    ] as const;
    const [from, to] = way === "query" ? ends : ([ends[1], ends[0]] as const);
    const payload = tcp ? Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]) : bytes;
    this.sendPacket(packetOf(from, to, payload, tcp).subarray(0, captured), { way, at, stamped, sequence });
  }

  sendPacket(
    packet: Uint8Array,
    {
      way,
      at,
      stamped = true,
      sequence,
    }: { way: string; at: number; stamped?: boolean; sequence?: number | undefined },
  ): void {
    const logged = {
      ...{ prefix: `dns-${way}`, hook: 2, timestamp: stamped ? at : null, inIndex: 1, outIndex: 2 },
      ...{ sequence: sequence ?? null, mark: 0, uid: null, gid: null },
      packet: decodePacket(packet),
    };
    this.observer.captured(logged, packet);
  }

  /** Moves the clock; the records since. */
  take(at: number, isLast = false) {
    this.#now = at;
    return this.observer.take(isLast);
  }

  nameOf(address: string, at: number): string | null {
    return this.observer.nameOf(parseAddress(client), parseAddress(address), at);
  }
}

/** An IPv4 packet. */
function packetOf(
  from: readonly [string, number],
  to: readonly [string, number],
  payload: Buffer,
  tcp: boolean,
): Buffer {
  const transport = Buffer.alloc(tcp ? 20 : 8);
  transport.writeUInt16BE(from[1], 0);
  transport.writeUInt16BE(to[1], 2);
  if (tcp) transport[12] = 0x50;
  else transport.writeUInt16BE(8 + payload.length, 4);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip[9] = tcp ? 6 : 17;
  ip.writeUInt16BE(20 + transport.length + payload.length, 2);
  ip.set(addressToBytes(parseAddress(from[0])).subarray(12), 12);
  ip.set(addressToBytes(parseAddress(to[0])).subarray(12), 16);
  return Buffer.concat([ip, transport, payload]);
}

const question = { name: "api.example.com", type: 1 };
const query = (over: TestMessage = {}) => encodeMessage({ id: 7, flags: queryFlags, question, ...over });
const answers = [
  { name: question.name, type: 5, ttl: 300, data: "lb.example.net" },
  { name: "lb.example.net", type: 1, ttl: 20, data: fourBytes("203.0.113.7") },
];
const answer = (over: TestMessage = {}) => encodeMessage({ id: 7, flags: responseFlags, question, answers, ...over });

const asked = {
  protocol: 17,
  clientAddress: client,
  clientPort: 40_000,
  serverAddress: server,
  serverPort: 53,
  name: "api.example.com",
  queryType: "A",
  queryClass: "IN",
};

describe("observed DNS", () => {
  it("is one record of a query and its answer, with the time between them", () => {
    const bench = new Bench();
    bench.send({ bytes: query(), at: second });
    bench.send({ way: "answer", bytes: answer(), at: second + 2_500 });
    assert.deepEqual(bench.take(2 * second), [
      {
        ...asked,
        ...{ start: second, end: second + 2_500, latency: 2_500, rcode: "NOERROR", truncated: false, answerCount: 2 },
        answers: [
          { name: "api.example.com", type: "CNAME", ttl: 300, data: "lb.example.net" },
          { name: "lb.example.net", type: "A", ttl: 20, data: "203.0.113.7" },
        ],
      },
    ]);
    assert.deepEqual(bench.take(60 * second), []);
  });

  it("gives the name that the client asked for to the address, not the name that a CNAME led to", () => {
    const bench = new Bench();
    bench.send({ bytes: query(), at: second });
    bench.send({ way: "answer", bytes: answer(), at: second + 2_500 });
    assert.equal(bench.nameOf("203.0.113.7", 2 * second), "api.example.com");
    assert.equal(bench.nameOf("203.0.113.7", 22 * second), null);
    assert.equal(bench.nameOf("203.0.113.8", 2 * second), null);
  });

  it("is one record of a query that nobody answered, once it is given up", () => {
    const bench = new Bench();
    bench.send({ bytes: query(), at: second });
    bench.send({ bytes: query(), at: 6 * second }); // sent again
    assert.deepEqual(bench.take(10 * second), []);
    const [record, ...more] = bench.take(12 * second);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [record?.start, record?.end, record?.rcode, record?.latency, record?.answers],
      [second, 12 * second, null, null, []],
    );
  });

  it("is told at the end, even if it was not answered yet", () => {
    const bench = new Bench();
    bench.send({ bytes: query(), at: second });
    assert.equal(bench.take(2 * second, true).length, 1);
  });

  it("is told of an answer by UDP whose query was not seen", () => {
    const bench = new Bench();
    bench.send({ way: "answer", bytes: answer(), at: second });
    const [record] = bench.take(second);
    assert.deepEqual([record?.start, record?.rcode, record?.latency], [second, "NOERROR", null]);
    assert.equal(bench.nameOf("203.0.113.7", second), "api.example.com");
  });

  it("claims no latency where the kernel stamped only one of both", () => {
    const bench = new Bench();
    bench.send({ bytes: query(), at: second, stamped: false });
    bench.send({ way: "answer", bytes: answer(), at: 2 * second });
    assert.equal(bench.take(2 * second)[0]?.latency, null);
  });

  it("tells answers apart by id, question and port", () => {
    const bench = new Bench();
    const six = { question: { name: question.name, type: 28 } };
    bench.send({ bytes: query(), at: 1000 });
    bench.send({ bytes: query({ id: 8, ...six }), at: 2000 });
    bench.send({ bytes: query(), at: 3000, clientPort: 40_001 });
    bench.send({ way: "answer", bytes: answer(), at: 5000, clientPort: 40_001 });
    bench.send({ way: "answer", bytes: answer({ id: 8, ...six, answers: [] }), at: 6000 });
    bench.send({ way: "answer", bytes: answer(), at: 7000 });
    assert.deepEqual(
      bench.take(second).map(({ queryType, latency }) => [queryType, latency]),
      [
        ["A", 2000],
        ["AAAA", 4000],
        ["A", 6000],
      ],
    );
  });

  it("is read from TCP where a segment begins with it", () => {
    const bench = new Bench();
    bench.send({ bytes: query(), at: 1000, tcp: true });
    bench.send({ way: "answer", bytes: answer(), at: 3000, tcp: true });
    assert.deepEqual(
      bench.take(second).map(({ protocol, latency, answers: of }) => [protocol, latency, of.length]),
      [[6, 2000, 2]],
    );
    assert.equal(bench.nameOf("203.0.113.7", second), "api.example.com");
  });

  it("is not believed of TCP that nobody asked: it may be the middle of something else", () => {
    const bench = new Bench();
    bench.send({ way: "answer", bytes: answer(), at: 3000, tcp: true });
    assert.deepEqual(bench.take(second), []);
    assert.equal(bench.nameOf("203.0.113.7", second), null);
    assert.equal(bench.observer.counters.unasked, 1);
  });

  it("has the answers that were captured, and says how many there were", () => {
    const bench = new Bench();
    const all = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((ip) => ({
      name: question.name,
      type: 1,
      data: fourBytes(ip),
    }));
    const bytes = answer({ answers: all });
    bench.send({ way: "answer", bytes, at: 1000, captured: 28 + bytes.length - 3 });
    const [record] = bench.take(second);
    assert.deepEqual([record?.answers.map(({ data }) => data), record?.answerCount], [["192.0.2.1", "192.0.2.2"], 3]);
  });

  const foreign = [
    { title: "what is no DNS", way: "query" as const, bytes: Buffer.from("GET / HTTP/1.1 and more\r\n") },
    { title: "an answer that a client sends", way: "query" as const, bytes: answer() },
    { title: "a query that a server sends", way: "answer" as const, bytes: query() },
  ];
  for (const { title, way, bytes } of foreign)
    it(`makes no record of ${title}, but a loss`, () => {
      const bench = new Bench();
      bench.send({ way, bytes, at: second });
      assert.deepEqual(bench.take(60 * second, true), []);
      assert.deepEqual(
        bench.observer.takeLosses().map(({ source, count, detail }) => [source, count, detail]),
        [["dns", 1, "messages that could not be read"]],
      );
    });

  it("counts what the kernel could not hand over", () => {
    const bench = new Bench();
    bench.send({ bytes: query(), at: 1000, sequence: 5 });
    bench.send({ bytes: query({ id: 9 }), at: 2000, sequence: 9 });
    bench.observer.overran();
    bench.observer.beyond(12);
    assert.deepEqual(
      bench.observer.takeLosses().map(({ source, count }) => [source, count]),
      [
        ["dns", 3],
        ["dns", null],
        ["dns", 12],
      ],
    );
  });

  it("of any packet gives records that can be written, and no crash", () => {
    const changed = fc
      .tuple(
        fc.constantFrom("query", "answer"),
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(160), fc.nat(255)), { maxLength: 8 }),
        fc.nat(200),
      )
      .map(([way, tcp, changes, cut]) => {
        const ends = [[client, 40_000] as const, [server, 53] as const] as const;
        const payload = way === "query" ? query() : answer();
        const framed = tcp ? Buffer.concat([Buffer.from([0, payload.length]), payload]) : payload;
        const packet =
          way === "query" ? packetOf(ends[0], ends[1], framed, tcp) : packetOf(ends[1], ends[0], framed, tcp);
        for (const [at, byte] of changes) if (at >= 20 && at < packet.length) packet[at] = byte;
        return { way, packet: packet.subarray(0, Math.max(20, packet.length - cut)) };
      });
    fc.assert(
      fc.property(fc.array(changed, { maxLength: 10 }), (packets) => {
        const bench = new Bench();
        for (const [at, { way, packet }] of packets.entries()) bench.sendPacket(packet, { way, at: at * 1000 });
        const records = bench.take(second, true);
        assert.ok(records.length <= packets.length * 16);
        for (const { name, end, start, answers: told } of records) {
          assert.match(name, /^[\x21-\x7e]+$/);
          assert.ok(end >= start);
          for (const { data } of told) assert.ok(data.length <= 1200);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
