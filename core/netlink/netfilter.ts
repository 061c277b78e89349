// Netfilter over netlink, include/uapi/linux/netfilter/nfnetlink.h.
//
// message    => nlmsghdr nfgenmsg attributes     the type in nlmsghdr is subsystem << 8 | message
// nfgenmsg   => family version resource          family => u8    version => u8, 0    resource => u16be

export const NETLINK_NETFILTER = 12;
export const netfilterHeaderBytes = 4;

export const subsystem = { conntrack: 1, log: 4, nftables: 10, hook: 12 } as const;

/** Address families as netfilter numbers them, include/uapi/linux/netfilter.h. */
export const netfilterFamily = { unspecified: 0, inet: 1, ipv4: 2, ipv6: 10 } as const;

export function netfilterType(system: number, message: number): number {
  return (system << 8) | message;
}

export function netfilterHeader(family: number, resource = 0): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}
