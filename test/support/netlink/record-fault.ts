import { tryParseAddress } from "../../../core/address.ts";
import { endReasons, type RawFlow } from "../../../core/records/flow.ts";

const year2200 = 7_258_118_400_000_000;
const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0 && value <= 2 ** 53 - 2;
const isPort = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xffff;
const isWord = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
const isTime = (value: number) => Number.isSafeInteger(value) && value >= 0 && value < year2200;

/** What a record says that no record may say; undefined if it is well-formed. */
export function faultOf(flow: Omit<RawFlow, "cluster" | "node" | "epoch" | "seq">): string | undefined {
  const deltas = [flow.packets, flow.bytes, flow.replyPackets, flow.replyBytes];
  const totals = [flow.totalPackets, flow.totalBytes, flow.totalReplyPackets, flow.totalReplyBytes];
  const { nat, related, icmp } = flow;
  const ports = [
    ...[flow.sourcePort, flow.destinationPort],
    ...(nat === null ? [] : [nat.sourcePort, nat.destinationPort]),
    ...(related === null ? [] : [related.sourcePort, related.destinationPort]),
  ];
  const addresses = [
    ...[flow.sourceAddress, flow.destinationAddress],
    ...(nat === null ? [] : [nat.sourceAddress, nat.destinationAddress]),
    ...(related === null ? [] : [related.sourceAddress, related.destinationAddress]),
  ];
  if (!addresses.every((address) => tryParseAddress(address) === address)) return `an address of ${addresses}`;
  if (!ports.every(isPort)) return `a port of ${ports}`;
  if (!deltas.every(isCount) || !totals.every(isCount)) return `a count of ${deltas}, ${totals}`;
  if (deltas.some((delta, at) => delta > (totals[at] ?? 0)))
    return `more in a window than in all: ${deltas}, ${totals}`;
  if (![flow.start, flow.end, flow.startedAt].every(isTime))
    return `a time of ${flow.start} ${flow.end} ${flow.startedAt}`;
  if (flow.start > flow.end) return `an end before its start: ${flow.start} ${flow.end}`;
  if (!(flow.protocol >= 0 && flow.protocol <= 255)) return `protocol ${flow.protocol}`;
  if (icmp !== null && !(icmp.type >= 0 && icmp.type <= 255 && icmp.code >= 0 && isPort(icmp.id))) return "ICMP";
  if ((flow.state === "closed") !== (flow.endReason !== null)) return `${flow.state}, ended as ${flow.endReason}`;
  if (flow.endReason !== null && !endReasons.includes(flow.endReason)) return `an end of ${flow.endReason}`;
  if ((flow.state === "denied") !== (flow.denied !== null)) return `${flow.state}, denied ${flow.denied}`;
  if (!isWord(flow.mark) || !isWord(flow.uid ?? 0) || !isWord(flow.gid ?? 0)) return `mark, user or group`;
  return undefined;
}
