/** A node's collector says that it lives, and what it has told so far. Fields as in heartbeat.avsc. */
export interface Heartbeat {
  readonly cluster: string;
  readonly node: string;
  readonly epoch: number;
  readonly seq: number;
  /** Microseconds since the epoch of Unix, as all times here. */
  readonly start: number;
  readonly end: number;
  readonly flows: number;
  readonly losses: number;
  readonly conntrackEvents: number;
  readonly loggedPackets: number;
  readonly decodeFailures: number;
  readonly overruns: number;
  readonly dropped: number;
  readonly connections: number;
  readonly connectionsMax: number;
  readonly eventDrops: number;
  readonly logDrops: number;
  readonly tableDrops: number;
  readonly earlyDrops: number;
  readonly insertFailures: number;
  readonly searchRestarts: number;
  readonly clashes: number;
}
