import { serviceElements } from "./service-addresses.ts";

/** What the harness sends from a node carries this mark; whatever else a node has to say (resets, unreachables) is not let out. */
export const probeMark = 0x51;

/** NFLOG groups: that of the ruleset under test (`defaultSettings`), and that in which a packet is told to have arrived at a node itself. */
export const groups = { rules: 5, arrived: 6 } as const;

/** DSCP of packets that conntrack is not to see. */
export const untrackedDscp = 1;

/**
 * The harness's own table on every node. Each probe has a conntrack zone of its own, named by its number (packet-bytes.ts): so each is a
 * new connection, whatever others have been before. Untracked packets get none, as `ct zone set` would have them tracked.
 * The zone's priority is between raw (-300, where connections are left untracked) and conntrack (-200).
 */
export const harnessTable = `
table inet sluice_harness {
  map services4 { type ipv4_addr : ipv4_addr ; elements = { ${serviceElements(4)} } ; }
  map services6 { type ipv6_addr : ipv6_addr ; elements = { ${serviceElements(6)} } ; }
  chain services {
    dnat ip to ip daddr map @services4
    dnat ip6 to ip6 daddr map @services6
  }
  chain services_in { type nat hook prerouting priority dstnat ; jump services ; }
  chain services_out { type nat hook output priority -100 ; jump services ; }
  chain quiet { type filter hook output priority -400 ; meta mark != ${probeMark} drop ; }
  chain untracked_in { type filter hook prerouting priority -350 ; jump untracked ; }
  chain untracked_out { type filter hook output priority -350 ; jump untracked ; }
  chain untracked {
    ip dscp ${untrackedDscp} notrack
    ip6 dscp ${untrackedDscp} notrack
  }
  chain zone_in { type filter hook prerouting priority -250 ; jump zone ; }
  chain zone_out { type filter hook output priority -250 ; jump zone ; }
  chain zone {
    ct state untracked return
    meta nfproto ipv4 ct zone set ip id
    meta nfproto ipv6 ct zone set @nh,16,16
  }
  chain arrived { type filter hook input priority 1000 ; log prefix "arrived" group ${groups.arrived} snaplen 64 ; }
}
`;
