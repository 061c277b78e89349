import type { Clock } from "../../core/clock.ts";
import { withDeadline } from "./deadline.ts";
import type { Probe, ProbeResult } from "./messages.ts";
import { probeHttp } from "./probe-http.ts";
import { probeIcmp } from "./probe-icmp.ts";
import { probeTcp } from "./probe-tcp.ts";
import { probeUdp } from "./probe-udp.ts";

export const defaultTimeoutMs = 1000;

/** Makes one probe; the outcome is always a value. */
export function makeProbe(probe: Probe, clock: Clock): Promise<ProbeResult> {
  return withDeadline(clock, probe.timeoutMs ?? defaultTimeoutMs, (expired) => dispatch(probe, expired));
}

function dispatch(probe: Probe, expired: AbortSignal): Promise<ProbeResult> {
  switch (probe.protocol) {
    case "tcp":
      return probeTcp(probe, expired);
    case "udp":
      return probeUdp(probe, expired);
    case "http":
      return probeHttp(probe, expired);
    case "icmp":
      return probeIcmp(probe, expired);
  }
}
