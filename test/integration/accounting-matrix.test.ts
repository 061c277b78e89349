import assert from "node:assert/strict";
import { type Family, familyOf } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Probe } from "../../lab/traffic/messages.ts";
import type { Sending } from "../collectors/raw-traffic.ts";
import { sumOf, totalsOf } from "../collectors/running-collector.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { AccountingLab, type Distance, type Ends, type NatKind, natKinds } from "./accounting-lab.ts";

// Every protocol x every way to translate x both families x how many nodes are between: what the programs sent is what is told, by
// each node on the way, to the byte. Of TCP the programs know the payload; its packets are counted by nft where they are sent.

const servedPort = 8080;
const headerOf = { 4: 20, 6: 40 } as const;

interface Conversation {
  readonly name: string;
  /** Picks the flows of the conversation, by protocol and the client's port. */
  readonly isOurs: (flow: RawFlow) => boolean;
  /** `packets/bytes replyPackets/replyBytes`, header of the network included. */
  readonly expected: () => string;
}

/** By protocol: how many packets go there and back, and the bytes of each behind the IP header; see packet-bytes.ts. */
const raw = [
  { name: "UDP-Lite", protocol: 136, sourcePort: 41_136, destinationPort: 4136, there: 5, back: 4, bytes: 8 },
  { name: "GRE", protocol: 47, there: 2, back: 1, bytes: 16 },
  { name: "protocol 253", protocol: 253, there: 4, back: 3, bytes: 16 },
] as const;

/**
 * SCTP's handshake, behind the ports: tag u32be, checksum u32, then a chunk: type u8 flags u8 length u16be, here INIT and INIT ACK with a tag
 * of their own, window, streams and number; COOKIE ECHO (RFC 9260). Conntrack takes no other order.
 */
const sctp = {
  protocol: 132,
  ...{ sourcePort: 41_132, destinationPort: 4132 },
  init: `00000000 00000000 01000014 00001111 00010000 00010001 00000001`,
  initAck: `00001111 00000000 02000014 00002222 00010000 00010001 00000001`,
  cookieEcho: `00002222 00000000 0a000008 00000000`,
} as const;
const sctpBytes = (rest: string) => 4 + rest.replaceAll(" ", "").length / 2;

const udp = { payload: 1_200, large: 9_000, header: 8 } as const;
const ports = { tcp: 42_006, udp: 42_017, large: 42_018 } as const;
const tcp = { sent: 5_000, received: 70_000, header: 32, synExtra: 8 } as const;
const echo = { payload: 56, header: 8 } as const;

const both = (packets: number, bytes: number) => `${packets}/${packets * bytes} ${packets}/${packets * bytes}`;

describe("the accounting matrix", function () {
  this.timeout(60_000);
  needsLab();
  needsKernel("nft", "conntrack");
  const lab = new AccountingLab();
  let isUp = false;

  before(async () => {
    isUp = true;
    await lab.up();
  });
  after(async () => {
    if (isUp) await lab.down();
  });

  for (const distance of [0, 1, 2] as const)
    for (const family of [4, 6] as const)
      for (const kind of natKinds.filter((kind) => isPossible(distance, kind)))
        it(`${distance} nodes between, IPv${family}, translation: ${kind}`, async () => {
          const ends = lab.endsOf(distance, kind, family);
          lab.translate(kind, ends);
          const since = systemClock.now() * 1_000;
          const conversations = await converse(lab, ends);
          for (const { node, nat, seenAs } of views(distance, kind, ends)) {
            const expected = conversations.map(({ name, expected }) => `${name}: ${expected()} ${nat(name)} ${seenAs}`);
            const told = () =>
              conversations.map(({ name, isOurs }) => `${name}: ${tell(lab.told(node, since).filter(isOurs))}`);
            await until("the records", () => told().join() === expected.join(), 8_000).catch(() => {});
            assert.deepEqual(told(), expected, node);
          }
        });
});

/** Who masquerades what a node sends itself changes nothing, and nobody reaches itself through two nodes. */
function isPossible(distance: Distance, kind: NatKind): boolean {
  if (kind === "hairpin") return distance === 1;
  return kind !== "masquerade" || distance !== 0;
}

interface View {
  readonly node: string;
  /** How the record says that it was translated. */
  readonly nat: (conversation: string) => string;
  readonly seenAs: string;
}

/** What the nodes on the way see: node-1 translates, node-2 sees what comes of it. */
function views(distance: Distance, kind: NatKind, { client, target, server, seen }: Ends): readonly View[] {
  const first = {
    node: "node-1",
    nat: () => (kind === "none" ? "as it is" : `${target} by ${seen}`),
    seenAs: `${client} -> ${server}`,
  };
  const second = { node: "node-2", nat: () => "as it is", seenAs: `${seen} -> ${server}` };
  return distance === 2 ? [first, second] : [first];
}

/** All windows of a connection together, which must be what its last record says it carried. */
function tell(flows: readonly RawFlow[]): string {
  const connections = new Set(flows.map(({ connection, startedAt }) => `${connection} ${startedAt}`));
  const last = flows.at(-1);
  if (last === undefined || connections.size > 1) return `${connections.size} connections`;
  if (sumOf(flows) !== totalsOf(last)) return `${sumOf(flows)} in windows, ${totalsOf(last)} in all`;
  const { nat } = last;
  const translated = nat === null ? "as it is" : `${nat.destinationAddress} by ${nat.sourceAddress}`;
  return `${totalsOf(last)} ${translated} ${last.sourceAddress} -> ${last.destinationAddress}`;
}

/** Has one conversation of each protocol. */
async function converse(lab: AccountingLab, ends: Ends): Promise<readonly Conversation[]> {
  const family = familyOf(ends.server);
  const counted = lab.countTcp(ends.from, ends.target, servedPort);
  const agent = await lab.agent(ends.from);
  const probe = async (over: Partial<Probe> & Pick<Probe, "protocol">) => {
    const result = await agent.probe({ address: ends.target, timeoutMs: 5_000, ...over });
    assert.equal(result.error, null, `${over.protocol} to ${ends.target}`);
    return result;
  };
  await probe({ protocol: "udp", port: servedPort, sourcePort: ports.udp, payloadBytes: udp.payload });
  await probe({ protocol: "udp", port: servedPort, sourcePort: ports.large, payloadBytes: udp.large });
  await probe({ protocol: "icmp", payloadBytes: echo.payload });
  const size = { payloadBytes: tcp.sent, replyBytes: tcp.received };
  const { sentBytes, receivedBytes } = await probe({
    protocol: "tcp",
    port: servedPort,
    sourcePort: ports.tcp,
    ...size,
  });
  const shake = (way: "there" | "back", rest: string): Sending => ({
    ...(way === "there"
      ? { source: ends.client, destination: ends.target }
      : { source: ends.server, destination: ends.seen }),
    ...inWay(sctp, way),
    rest: rest.replaceAll(" ", ""),
  });
  lab.sendRaw(ends.from, [...rawSendings(ends.client, ends.target, "there"), shake("there", sctp.init)]);
  lab.sendRaw(ends.to, [...rawSendings(ends.server, ends.seen, "back"), shake("back", sctp.initAck)]);
  lab.sendRaw(ends.from, [shake("there", sctp.cookieEcho)]);
  return [
    ...datagrams(family),
    {
      name: "TCP",
      isOurs: (flow) => flow.protocol === 6 && flow.sourcePort === ports.tcp,
      expected: () => withPayload(counted(), family, sentBytes, receivedBytes),
    },
    {
      name: "SCTP",
      isOurs: (flow) => flow.protocol === sctp.protocol,
      expected() {
        const there = [sctp.init, sctp.cookieEcho].map((rest) => headerOf[family] + sctpBytes(rest));
        const back = headerOf[family] + sctpBytes(sctp.initAck);
        return `2/${(there[0] ?? 0) + (there[1] ?? 0)} 1/${back}`;
      },
    },
    ...raw.map(
      ({ name, protocol, there, back, bytes }): Conversation => ({
        name,
        isOurs: (flow) => flow.protocol === protocol,
        expected: () => {
          const each = headerOf[family] + bytes;
          return `${there}/${there * each} ${back}/${back * each}`;
        },
      }),
    ),
  ];
}

function datagrams(family: Family): readonly Conversation[] {
  const header = headerOf[family];
  return [
    {
      name: "UDP",
      isOurs: (flow) => flow.protocol === 17 && flow.sourcePort === ports.udp,
      expected: () => both(1, header + udp.header + udp.payload),
    },
    {
      // Conntrack puts fragments together before it counts.
      name: "UDP in fragments",
      isOurs: (flow) => flow.protocol === 17 && flow.sourcePort === ports.large,
      expected: () => both(1, header + udp.header + udp.large),
    },
    {
      name: "ICMP",
      isOurs: (flow) => flow.protocol === (family === 4 ? 1 : 58) && [8, 128].includes(flow.icmp?.type ?? -1),
      expected: () => both(1, header + echo.header + echo.payload),
    },
  ];
}

/** What nft counted, if it adds up to what the programs sent and received. */
function withPayload(counted: string, family: Family, sent: number, received: number): string {
  const [packets = 0, bytes = 0, replyPackets = 0, replyBytes = 0] = counted.split(/[ /]/).map(Number);
  const headers = (count: number) => count * (headerOf[family] + tcp.header) + tcp.synExtra;
  const more = [bytes - headers(packets) - sent, replyBytes - headers(replyPackets) - received];
  // On a busy machine a SYN comes twice, and is answered with selective acknowledgements (RFC 2883).
  const isOptions = more.every((extra) => extra >= 0 && extra <= 80 && extra % 4 === 0);
  return isOptions ? counted : `${counted}, which is ${more} more than payload and headers`;
}

function rawSendings(source: string, destination: string, way: "there" | "back"): readonly Sending[] {
  return raw.map((kind) => ({ source, destination, ...inWay(kind, way), count: kind[way] }));
}

interface Ported {
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** Ports change places on the way back. */
function inWay({ protocol, sourcePort = 0, destinationPort = 0 }: Ported, way: "there" | "back"): Required<Ported> {
  return way === "there"
    ? { protocol, sourcePort, destinationPort }
    : { protocol, sourcePort: destinationPort, destinationPort: sourcePort };
}
