import type { Probe } from "./messages.ts";

/** Where a TCP connection comes from, as node:net wants it. */
export function sourceOf({ sourceAddress, sourcePort }: Probe): { localAddress?: string; localPort?: number } {
  return {
    ...(sourceAddress === undefined ? {} : { localAddress: sourceAddress }),
    ...(sourcePort === undefined ? {} : { localPort: sourcePort }),
  };
}
