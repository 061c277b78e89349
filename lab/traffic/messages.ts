import type { Protocol } from "../objects.ts";

// What the lab and its traffic agents say to each other over the IPC channel. An agent is alive as long as the channel is.

export type Request =
  | { readonly id: number; readonly op: "serve"; readonly ports: readonly ServedPort[] }
  | { readonly id: number; readonly op: "probe"; readonly probe: Probe }
  | { readonly id: number; readonly op: "start"; readonly calls: readonly Call[] }
  | { readonly id: number; readonly op: "totals" }
  | { readonly id: number; readonly op: "stop"; readonly names: readonly string[] | null };

export type Reply = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

/** The agent is up and reads requests; the first thing it says. */
export const hello = "ready";

export interface ServedPort {
  readonly port: number;
  readonly protocol: Protocol;
  /** A DNS server that knows these. */
  readonly names?: KnownNames;
}

/** Addresses by name. */
export type KnownNames = Readonly<Record<string, readonly string[]>>;

/** One attempt to reach somebody. */
export interface Probe {
  readonly protocol: "tcp" | "udp" | "http" | "icmp";
  readonly address: string;
  /** Not for icmp. */
  readonly port?: number;
  /** Default: the kernel chooses. */
  readonly sourcePort?: number;
  /** An address to send from; one that is not the sender's own is a spoofed one. */
  readonly sourceAddress?: string;
  /** Default 1000. */
  readonly timeoutMs?: number;
  /** Bytes to send at application level. Default 32. */
  readonly payloadBytes?: number;
  /** Ask a DNS server for this name instead of sending bytes. For udp. */
  readonly asks?: string;
  /** Bytes to ask for: of the answer's body. Default: as many as were sent. For tcp and http. */
  readonly replyBytes?: number;
}

export interface ProbeResult {
  /** The whole answer came. */
  readonly answered: boolean;
  /** TCP's handshake was completed; for the others the same as answered. */
  readonly connected: boolean;
  /** `timeout`, or what the kernel said, e.g. ECONNREFUSED. */
  readonly error: string | null;
  /** At application level: payload of TCP, UDP and ICMP messages. Nothing counts as sent over a TCP connection that did not come to be. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** The local port, or null where there is none or it was not learnt. */
  readonly sourcePort: number | null;
}

/** A probe repeated for as long as the agent runs or until stopped. */
export interface Call {
  /** Names the call in `stop`; unique within an agent. */
  readonly name: string;
  readonly probe: Probe;
  /** From start to start. A probe that takes longer delays the next one. */
  readonly everyMs: number;
  /** Default: no end. */
  readonly count?: number;
  /** Default 0. */
  readonly afterMs?: number;
  /** One TCP connection for all repetitions, instead of one each. */
  readonly keepOpen?: boolean;
}

/** What became of a call so far. */
export interface CallTotals {
  readonly name: string;
  readonly attempts: number;
  readonly answered: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly lastError: string | null;
}
