import type { Flow } from "../../core/records/flow.ts";

/** Tells the first time of something from later ones. Remembers the `limit` names that were met last. */
export class FirstSeen {
  readonly #limit: number;
  readonly #names = new Set<string>();

  constructor(limit = 100_000) {
    this.#limit = limit;
  }

  isFirst(name: string): boolean {
    const known = this.#names.delete(name);
    this.#names.add(name);
    if (this.#names.size > this.#limit) this.#forgetOldest();
    return !known;
  }

  #forgetOldest(): void {
    for (const oldest of this.#names) {
      this.#names.delete(oldest);
      return;
    }
  }
}

/** One name for all windows of a connection, and for all repetitions of a denied attempt. */
export function connectionName(flow: Flow): string {
  const { node, zone, protocol, icmp } = flow;
  const ends = [flow.sourceAddress, flow.sourcePort, flow.destinationAddress, flow.destinationPort];
  const echo = icmp === null ? [] : [icmp.type, icmp.code, icmp.id];
  if (flow.state !== "denied") return [node, zone, flow.connection, flow.startedAt, protocol, ...ends].join(" ");
  return [node, flow.denied, flow.egressRule ?? flow.ingressRule ?? flow.reason, protocol, ...ends, ...echo].join(" ");
}

/** The id of a record everywhere. */
export function recordName({ node, epoch, seq }: Flow): string {
  return `${node} ${epoch} ${seq}`;
}
