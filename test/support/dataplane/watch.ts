import { Attributes } from "../../../core/netlink/attributes.ts";
import { messageFlag } from "../../../core/netlink/message.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";
import {
  NETLINK_NETFILTER,
  netfilterFamily,
  netfilterHeader,
  netfilterHeaderBytes,
  netfilterType,
  subsystem,
} from "../../../core/netlink/netfilter.ts";
import { NetlinkSocket } from "../../../core/netlink/socket.ts";
import { type LabelRules, rulesOfLabel } from "../../../core/rule-id.ts";
import { groups } from "./harness-table.ts";
import { numberIn } from "./packet-bytes.ts";

// What a node's kernel says about numbered packets: log messages of two NFLOG groups, and new connections by the zones of their numbers.
// A reader of its own rather than the collectors': one message a datagram, so that none waits in the kernel for more to come.
//
// NFULNL_MSG_CONFIG => nfgenmsg attribute*   NFULA_CFG_CMD u8, NFULA_CFG_MODE range:u32be mode:u8 pad, NFULA_CFG_NLBUFSIZ, NFULA_CFG_QTHRESH u32be
// NFULNL_MSG_PACKET => nfgenmsg attribute*   NFULA_PAYLOAD bytes, NFULA_PREFIX text
// IPCTNL_MSG_CT_NEW => nfgenmsg attribute*   CTA_ZONE u16be, CTA_LABELS 16 bytes
// IPCTNL_MSG_CT_DELETE => nfgenmsg           without a tuple: all there are
const NFULNL_MSG_CONFIG = 1;
const [NFULA_CFG_CMD, NFULA_CFG_MODE, NFULA_CFG_NLBUFSIZ, NFULA_CFG_QTHRESH] = [1, 2, 3, 5];
const NFULNL_CFG_CMD_BIND = 1;
const NFULNL_COPY_PACKET = 2;
const [NFULA_PAYLOAD, NFULA_PREFIX] = [9, 10];
const IPCTNL_MSG_CT_DELETE = 2;
const NFNLGRP_CONNTRACK_NEW = 1;
const [CTA_ZONE, CTA_LABELS] = [18, 22];

const copyRange = 64;
const datagramBytes = 4096;
const slots = { slots: 256, slotBytes: datagramBytes };
/** Twice what a round of packets leaves there at most: several messages a packet, of about a KiB with what the kernel adds. */
const bufferBytes = 64 * 1_048_576;

export interface Visitor {
  /** A log message of the rules under test. */
  logged(number: number, prefix: string): void;
  /** The packet came through to the node itself. */
  arrived(number: number): void;
  /** The connection is new, and its first packet came through. */
  connected(number: number, rules: LabelRules): void;
}

export class Watch {
  readonly #logs: NetlinkSocket;
  readonly #events: NetlinkSocket;
  readonly #log: Attributes;
  readonly #event: Attributes;

  private constructor(logs: NetlinkSocket, events: NetlinkSocket) {
    this.#logs = logs;
    this.#events = events;
    this.#log = new Attributes("nflog", logs.bytes);
    this.#event = new Attributes("conntrack", events.bytes);
  }

  /** In the network namespace of the calling thread. */
  static open(): Watch {
    const [logs, events] = [0, 1].map(() => NetlinkSocket.open(NETLINK_NETFILTER, slots)) as [
      NetlinkSocket,
      NetlinkSocket,
    ];
    for (const socket of [logs, events]) socket.growReceiveBuffer(bufferBytes);
    for (const group of Object.values(groups)) {
      logs.request("bind NFLOG", config(group).u8(NFULA_CFG_CMD as number, NFULNL_CFG_CMD_BIND));
      logs.request("configure NFLOG", configured(group));
    }
    events.join(NFNLGRP_CONNTRACK_NEW);
    return new Watch(logs, events);
  }

  /** Hands over what has been said since the last call. Throws if the kernel had to drop some of it. */
  read(visitor: Visitor): void {
    readAll(this.#logs, (start, end, resource) => this.#readLog(start, end, resource, visitor));
    readAll(this.#events, (start, end) => this.#readEvent(start, end, visitor));
  }

  /** Forgets every connection of the namespace. */
  forget(): void {
    const flags = messageFlag.request | messageFlag.ack;
    const message = new MessageWriter(netfilterType(subsystem.conntrack, IPCTNL_MSG_CT_DELETE), flags);
    this.#events.request("flush conntrack", message.raw(netfilterHeader(netfilterFamily.unspecified)));
  }

  close(): void {
    this.#logs.close();
    this.#events.close();
  }

  #readLog(start: number, end: number, group: number, visitor: Visitor): void {
    let [number, prefix] = [0, ""];
    const a = this.#log.reset(start, end);
    while (a.next())
      if (a.type === NFULA_PREFIX) prefix = a.text();
      else if (a.type === NFULA_PAYLOAD) number = numberIn(a.bytes.subarray(a.start, a.start + a.length));
    a.finish();
    if (group === groups.arrived) visitor.arrived(number);
    else visitor.logged(number, prefix);
  }

  #readEvent(start: number, end: number, visitor: Visitor): void {
    let zone = 0;
    let rules: LabelRules = { egress: null, ingress: null };
    const a = this.#event.reset(start, end);
    while (a.next())
      if (a.type === CTA_ZONE) zone = a.u16be();
      else if (a.type === CTA_LABELS) rules = rulesOfLabel(a.bytes, a.start);
    a.finish();
    visitor.connected(numberOfZone(zone), rules);
  }
}

/** The zone was set from bytes in network order, read in the machine's: little-endian on all that we run on. */
function numberOfZone(zone: number): number {
  return ((zone & 0xff) << 8) | (zone >> 8);
}

type Take = (start: number, end: number, resource: number) => void;

function readAll(socket: NetlinkSocket, take: Take): void {
  for (;;) {
    const reading = socket.read(
      (bytes, { start, end }) => take(start + netfilterHeaderBytes, end, bytes.readUInt16BE(start + 2)),
      (error) => {
        throw error;
      },
    );
    if (reading.overrun || reading.truncated > 0)
      throw new Error("the kernel had more to say than the harness has room for");
    if (!reading.full) return;
  }
}

function config(group: number): MessageWriter {
  const flags = messageFlag.request | messageFlag.ack;
  const message = new MessageWriter(netfilterType(subsystem.log, NFULNL_MSG_CONFIG), flags);
  return message.raw(netfilterHeader(netfilterFamily.unspecified, group));
}

function configured(group: number): MessageWriter {
  const mode = Buffer.alloc(6);
  mode.writeUInt32BE(copyRange, 0);
  mode.writeUInt8(NFULNL_COPY_PACKET, 4);
  return config(group)
    .value(NFULA_CFG_MODE as number, mode)
    .u32be(NFULA_CFG_NLBUFSIZ as number, datagramBytes)
    .u32be(NFULA_CFG_QTHRESH as number, 1);
}
