#!/bin/sh
# Has this kernel what Sluice uses? Tries each feature in a network namespace of its own, which vanishes with this
# process, and names the CONFIG_ options of what is missing. Needs root, unshare, ip and nft. Exit code 1: something is.
set -u
PATH=$PATH:/usr/sbin:/sbin

if [ "${1:-}" != inside ]; then
  unshare --net true 2>/dev/null || {
    echo "setup: the kernel or this container allows no network namespace (CONFIG_NET_NS, CAP_SYS_ADMIN)"
    exit 1
  }
  exec unshare --net sh "$0" inside
fi

failed=0
lacks() { # $1: what, $2: options
  echo "setup: the kernel lacks $1 ($2)"
  failed=1
}

# Would the kernel take this rule? $1: type of its chain, $2: hook, $3: the rule
takes() {
  printf 'table inet check {\n chain c {\n  type %s hook %s priority 0\n  %s\n }\n}\n' "$1" "$2" "$3" |
    nft --check -f - 2>/dev/null
}

if takes filter forward counter; then
  takes filter forward "ct state new" || lacks "matching of connections" "CONFIG_NFT_CT, CONFIG_NF_CONNTRACK"
  takes filter forward "ct label set 1" || lacks "connection labels" "CONFIG_NF_CONNTRACK_LABELS"
  takes filter forward "log group 5" || lacks "the netfilter log" "CONFIG_NFT_LOG, CONFIG_NETFILTER_NETLINK_LOG"
  takes filter forward "limit rate 9/second" || lacks "rate limits" "CONFIG_NFT_LIMIT"
  takes filter forward "reject" || lacks "reject" "CONFIG_NFT_REJECT_INET"
  takes nat prerouting "dnat ip to numgen inc mod 1 map { 0 : 192.0.2.1 }" ||
    lacks "address translation by nftables" "CONFIG_NFT_NAT, CONFIG_NFT_NUMGEN"
else
  lacks "nftables" "CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET"
fi

ip link add check0 type veth peer name check1 2>/dev/null || lacks "veth pairs" "CONFIG_VETH"
ip link add check2 type bridge 2>/dev/null || lacks "bridges" "CONFIG_BRIDGE"

# These appear with the connection tracking that the rules above have loaded.
sysctls=/proc/sys/net/netfilter
[ -e $sysctls/nf_conntrack_events ] || lacks "events of connections" "CONFIG_NF_CONNTRACK_EVENTS"
[ -e $sysctls/nf_conntrack_timestamp ] || lacks "times of connections" "CONFIG_NF_CONNTRACK_TIMESTAMP"
exit "$failed"
