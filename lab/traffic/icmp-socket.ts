import { type Address, addressToBytes, familyOf, parseAddress } from "../../core/address.ts";
import { bind, checked, socket } from "../../core/netlink/libc.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;

/** A file descriptor of an ICMP datagram socket of the family of `destination`, bound to `source` if given. */
export function openIcmpSocket(destination: string, source: string | undefined): number {
  const six = familyOf(parseAddress(destination)) === 6;
  const [domain, protocol] = six ? [AF_INET6, IPPROTO_ICMPV6] : [AF_INET, IPPROTO_ICMP];
  const fd = checked("icmp socket", socket(domain, SOCK_DGRAM_NONBLOCK_CLOEXEC, protocol) as number);
  if (source === undefined) return fd;
  const name = socketAddress(parseAddress(source));
  checked(`bind ${source}`, bind(fd, name, name.length) as number);
  return fd;
}

// sockaddr_in  => family u16, port u16be, address 4 bytes, zero 8 bytes
// sockaddr_in6 => family u16, port u16be, flow u32, address 16 bytes, scope u32
function socketAddress(address: Address): Buffer {
  const bytes = addressToBytes(address);
  const six = familyOf(address) === 6;
  const name = Buffer.alloc(six ? 28 : 16);
  name.writeUInt16LE(six ? AF_INET6 : AF_INET, 0);
  name.set(six ? bytes : bytes.subarray(12), six ? 8 : 4);
  return name;
}
