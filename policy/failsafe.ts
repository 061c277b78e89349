import type { Cidr } from "../core/address.ts";

/**
 * Ports of hosts that no policy closes, so that a mistake in a policy does not lock people out of a node or cut it off from the
 * cluster's control plane. Only for what processes of the host itself send and get.
 */
export interface Failsafe {
  /** What the host may send to. */
  readonly egress: readonly FailsafePort[];
  /** Where the host may be reached. */
  readonly ingress: readonly FailsafePort[];
}

export interface FailsafePort {
  readonly protocol: number;
  /** Of the destination. */
  readonly port: number;
  /** Only from or to there; null: anywhere. */
  readonly net: Cidr | null;
}

const tcp = 6;
const udp = 17;
const anywhere = (protocol: number, ...ports: readonly number[]): readonly FailsafePort[] =>
  ports.map((port) => ({ protocol, port, net: null }));

/** Defaults of FailsafeInboundHostPorts and FailsafeOutboundHostPorts (projectcalico.org/v3 FelixConfiguration): SSH, BGP, etcd, API server, DNS, DHCP. */
export const defaultFailsafe: Failsafe = {
  egress: [...anywhere(udp, 53, 67), ...anywhere(tcp, 179, 2379, 2380, 5473, 6443, 6666, 6667)],
  ingress: [...anywhere(tcp, 22, 179, 2379, 2380, 5473, 6443, 6666, 6667), ...anywhere(udp, 68)],
};
