import { messageFlag } from "../../core/netlink/message.ts";
import { MessageWriter } from "../../core/netlink/message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterType, subsystem } from "../../core/netlink/netfilter.ts";

// NFULNL_MSG_CONFIG => nfgenmsg attribute*, the group is nfgenmsg's resource     include/uapi/linux/netfilter/nfnetlink_log.h
//   NFULA_CFG_CMD u8
//   NFULA_CFG_MODE      => copy_range copy_mode pad     copy_range => u32be    copy_mode => u8
//   NFULA_CFG_NLBUFSIZ u32be bytes, NFULA_CFG_TIMEOUT u32be in 10 ms, NFULA_CFG_QTHRESH u32be messages, NFULA_CFG_FLAGS u16be
const NFULNL_MSG_CONFIG = 1;
const NFULA_CFG_CMD = 1;
const NFULA_CFG_MODE = 2;
const NFULA_CFG_NLBUFSIZ = 3;
const NFULA_CFG_TIMEOUT = 4;
const NFULA_CFG_QTHRESH = 5;
const NFULA_CFG_FLAGS = 6;
const NFULNL_CFG_CMD_BIND = 1;
const NFULNL_COPY_PACKET = 2;
const NFULNL_CFG_F_SEQ = 1;

/** Headers only: IPv6, 80 bytes of extensions, and ports. */
const copyRange = 128;
/** The kernel sends a batch after so many messages or after the timeout, whichever comes first. */
const batchMessages = 32;
const batchTimeout = 1;
/** One batch of messages with headers of 128 bytes and long prefixes. Reads must have room for it. */
export const logDatagramBytes = 16_384;

/** Subscribes the sending socket to a group. */
export function bindRequest(group: number): MessageWriter {
  return request(group).u8(NFULA_CFG_CMD, NFULNL_CFG_CMD_BIND);
}

export interface GroupSettings {
  /** Bytes of each packet. */
  readonly copyRange: number;
  /** Of one batch; reads must have room for it. */
  readonly datagramBytes: number;
  readonly batchMessages: number;
}

const headersOnly: GroupSettings = { copyRange, datagramBytes: logDatagramBytes, batchMessages };

/** Headers only, or as much as asked for, in batches, numbered. */
export function configureRequest(group: number, settings = headersOnly): MessageWriter {
  const mode = Buffer.alloc(6);
  mode.writeUInt32BE(settings.copyRange, 0);
  mode.writeUInt8(NFULNL_COPY_PACKET, 4);
  return request(group)
    .value(NFULA_CFG_MODE, mode)
    .u32be(NFULA_CFG_NLBUFSIZ, settings.datagramBytes)
    .u32be(NFULA_CFG_TIMEOUT, batchTimeout)
    .u32be(NFULA_CFG_QTHRESH, settings.batchMessages)
    .u16be(NFULA_CFG_FLAGS, NFULNL_CFG_F_SEQ);
}

function request(group: number): MessageWriter {
  const header = netfilterHeader(netfilterFamily.unspecified, group);
  const flags = messageFlag.request | messageFlag.ack;
  return new MessageWriter(netfilterType(subsystem.log, NFULNL_MSG_CONFIG), flags).raw(header);
}
